import type { Clock } from '../base/clock.ts';
import { OperationalError } from '../base/errors.ts';
import { fetchCluster, requestTransfer } from './admin-client.ts';
import { renderStatus } from './status-table.ts';
import type { Terminal } from './terminal.ts';

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
}

/** `binraft status`: the table, or everything as JSON. */
export async function runStatus(
  options: { readonly admin: AdminAddress; readonly json: boolean },
  shell: { readonly terminal: Terminal; readonly clock: Clock },
): Promise<void> {
  const { host, port } = options.admin;
  const cluster = await fetchCluster(host, port);
  if (options.json) {
    shell.terminal.line(JSON.stringify(cluster, null, 2));
    return;
  }
  const { hasColours } = shell.terminal;
  shell.terminal.line(renderStatus(cluster, { colours: hasColours, nowMs: shell.clock.wallMs() }));
}

/** `binraft transfer NODE`: prints how it ended; ADMIN_TRANSFER_FAILED when leadership stayed where it was. */
export async function runTransfer(
  admin: AdminAddress,
  target: string | null,
  terminal: Terminal,
): Promise<void> {
  const report = await requestTransfer(admin, target);
  if (report.outcome === 'handed-over') {
    terminal.line(
      `${report.from} handed over to ${report.to ?? 'a follower'} in ${Math.round(report.durationMs)} ms`,
    );
    return;
  }
  const what =
    report.outcome === 'unknown'
      ? 'whether leadership was handed over is unknown'
      : `${report.from} still leads, the transfer was ${report.outcome}`;
  throw new OperationalError('ADMIN_TRANSFER_FAILED', `${what}: ${report.reason}`, {
    retryable: report.outcome === 'aborted',
  });
}

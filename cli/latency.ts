import type { ClusterLatency, LatencyReport, MemberLatency } from '../admin/latency-report.ts';
import { commitStages } from '../admin/latency-report.ts';
import type { Clock } from '../base/clock.ts';
import { countedBetween } from '../base/histogram-snapshot.ts';
import { fetchLatency } from './admin-client.ts';
import type { AdminAddress } from './admin-commands.ts';
import { renderLatency } from './latency-table.ts';
import type { Terminal } from './terminal.ts';

/** Long enough for a p99 of a busy cluster, short enough to wait for. */
export const defaultLatencySeconds: number = 5;

export interface LatencyArguments {
  readonly admin: AdminAddress;
  readonly seconds: number;
  readonly json: boolean;
}

/**
 * `binraft latency`: what commits took while it watched, because that is the trouble of now; what happened since each node began, a good
 * week included, would hide it.
 */
export async function runLatency(
  options: LatencyArguments,
  shell: { readonly terminal: Terminal; readonly clock: Clock },
): Promise<void> {
  const { terminal, clock } = shell;
  const { host, port } = options.admin;
  const first = await fetchLatency(host, port);
  let shown = first;
  if (options.seconds > 0) {
    await clock.delay(options.seconds * 1000);
    shown = latencyBetween(first, await fetchLatency(host, port));
  }
  if (options.json) {
    terminal.line(JSON.stringify({ seconds: options.seconds, ...shown }, null, 2));
    return;
  }
  terminal.line(renderLatency(shown, { seconds: options.seconds, colours: terminal.hasColours }));
}

/** A node that was restarted meanwhile, or not reached at first, shows all it has counted since. */
export function latencyBetween(before: ClusterLatency, after: ClusterLatency): ClusterLatency {
  const earlier = new Map(before.nodes.map((member) => [member.id, member]));
  return {
    askedNode: after.askedNode,
    nodes: after.nodes.map((member) => memberBetween(earlier.get(member.id), member)),
  };
}

function memberBetween(before: MemberLatency | undefined, after: MemberLatency): MemberLatency {
  if (before?.kind !== 'reached' || after.kind !== 'reached') return after;
  const isSameLife =
    before.report.pid === after.report.pid && before.report.uptimeMs <= after.report.uptimeMs;
  return isSameLife ? { ...after, report: reportBetween(before.report, after.report) } : after;
}

function reportBetween(before: LatencyReport, after: LatencyReport): LatencyReport {
  const stages = { ...after.stages };
  for (const stage of commitStages) {
    stages[stage] = countedBetween(before.stages[stage], after.stages[stage]);
  }
  return { ...after, stages, logWrite: countedBetween(before.logWrite, after.logWrite) };
}

import type { Clock } from '../base/clock.ts';
import { codeOf, messageOf, OperationalError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { clusterFingerprint } from './config.ts';
import type { NodeConfig } from './config-schema.ts';
import { claimDataFolder } from './data-folder.ts';
import { boundHeapGrowth } from './heap-growth.ts';
import { Node } from './node.ts';
import { Parent } from './parent.ts';
import { createLogger } from './pino-logger.ts';
import { checkPortsFree, type PortUse } from './ports.ts';
import { withinDeadline } from './within-deadline.ts';

export interface RunNodeOptions {
  readonly config: NodeConfig;
  readonly clock: Clock;
}

/** A node that hangs while it stops is ended after this long, and after what a transfer may take. */
const closeDeadlineMs = 15_000;
const killDeadlineMs = 2000;

/** A node did not stop in time. Its mysqld is killed; whatever still hangs ends with the process. */
class StopTimeoutError extends OperationalError {
  override readonly name = 'StopTimeoutError';

  constructor(deadlineMs: number) {
    const message = `the node did not stop within ${deadlineMs} ms; its mysqld is killed, and nothing acknowledged is lost`;
    super('STOP_TIMEOUT', message, { retryable: true });
  }
}

/** Runs one node until `signal` aborts, its parent goes, or it cannot go on. Rejects with the error to exit with. */
export async function runNode(options: RunNodeOptions, signal: AbortSignal): Promise<void> {
  boundHeapGrowth();
  const { config } = options;
  const logger = createLogger(config.logLevel, { node: config.node });
  const parent = new Parent();
  // The last line of a process that dies of a bug of ours. It dies as Node lets it: a state nobody foresaw must serve nobody, and
  // mysqld goes with it (its launcher asks the kernel for that).
  const logBug = (error: Error, origin: string): void =>
    logger.error('node-bug', { origin, message: messageOf(error), stack: error.stack });
  process.on('uncaughtExceptionMonitor', logBug);
  try {
    claimDataFolder(config.dataDirectory, {
      formatVersion: 1,
      clusterId: config.clusterId,
      node: config.node,
    });
    await checkPortsFree(config.listen.host, portsOf(config));
    await runClaimed(options, { logger, parent, signal });
  } catch (thrown) {
    const message = messageOf(thrown);
    const code = codeOf(thrown) ?? 'INTERNAL';
    logger.error('node-failed', {
      code,
      message,
      stack: thrown instanceof Error ? thrown.stack : undefined,
    });
    parent.tell({ kind: 'fatal', code, message });
    throw thrown;
  } finally {
    parent.close();
    process.off('uncaughtExceptionMonitor', logBug);
  }
}

async function runClaimed(
  options: RunNodeOptions,
  around: { readonly logger: Logger; readonly parent: Parent; readonly signal: AbortSignal },
): Promise<void> {
  const { logger, parent, signal } = around;
  const fatal = Promise.withResolvers<never>();
  fatal.promise.catch(() => undefined);
  const node = new Node({
    ...options,
    logger,
    onFatal: (error) => fatal.reject(error),
    onProgress: (text) => parent.tell({ kind: 'progress', text }),
  });
  let isBroken = false;
  try {
    const fingerprint = clusterFingerprint(options.config);
    logger.info('node-starting', { cluster: options.config.clusterId, fingerprint });
    await Promise.race([node.open(), fatal.promise]);
    logger.info('node-open');
    parent.tell({ kind: 'open' });
    await Promise.race([aborted(signal), parent.stopped, fatal.promise]);
  } catch (thrown) {
    isBroken = true;
    throw thrown;
  } finally {
    const isAlone = isBroken || parent.isClusterStopping;
    await closeInTime(node, { isAlone, isBroken }, { ...options, logger });
    logger.info('node-closed');
  }
}

/** A node that is broken already ends with its first failure, whatever its end looks like. */
async function closeInTime(
  node: Node,
  how: { readonly isAlone: boolean; readonly isBroken: boolean },
  around: RunNodeOptions & { readonly logger: Logger },
): Promise<void> {
  const { config, clock, logger } = around;
  const deadlineMs = closeDeadlineMs + (how.isAlone ? 0 : config.transferDeadlineMs);
  if (await withinDeadline(node.close(how), deadlineMs, clock)) return;
  const late = new StopTimeoutError(deadlineMs);
  logger.error('node-close-hangs', { code: late.code, message: late.message });
  await withinDeadline(node.killServer(), killDeadlineMs, clock);
  if (!how.isBroken) throw late;
}

function portsOf({ listen, members, node }: NodeConfig): PortUse[] {
  const self = members.find((member) => member.id === node);
  const others =
    self === undefined
      ? []
      : [
          { port: self.raftPort, purpose: 'raft' },
          { port: self.adminPort, purpose: 'admin' },
          { port: self.forwardReadWritePort, purpose: 'forwarded read-write sessions' },
          { port: self.forwardReadOnlyPort, purpose: 'forwarded read-only sessions' },
        ];
  // mysqld's own ports are left out: one left behind by a killed sidecar may still hold them, and is killed at the start.
  return [
    { port: listen.readWritePort, purpose: 'read-write' },
    { port: listen.readOnlyPort, purpose: 'read-only' },
    { port: listen.binlogPort, purpose: 'binlog' },
    ...others,
  ];
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

import type { LogFields, Logger } from '../../../base/logger.ts';
import type { SimProcess } from '../kernel/sim-process.ts';

/** Lines that a reader of a short trace wants. */
const news: ReadonlySet<string> = new Set([
  'role',
  'role-changed',
  'gate-opened',
  'gate-closed',
  'binlog-cut',
  'abdicating',
  'stalled',
]);

/** The log of a node as lines of the trace. */
export function simLogger(process: SimProcess): Logger {
  const write = (event: string, fields: LogFields = {}): void => {
    const text = Object.entries(fields)
      .map(([name, value]) => `${name}=${shown(value)}`)
      .join(' ');
    const level = news.has(event) ? 'news' : 'event';
    process.simulation.log(process.name, `${event} ${text}`, level);
  };
  const logger: Logger = {
    debug: () => undefined,
    info: write,
    warn: write,
    error: write,
    child: () => logger,
  };
  return logger;
}

function shown(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

import { messageOf } from '../../../base/errors.ts';
import type { LogFields, Logger } from '../../../base/logger.ts';
import type { SimProcess } from './sim-process.ts';

/** The log of a node as lines of the trace: as news what `isNews` says of the event's name, as events the rest. The dead are silent. */
export function simLogger(
  process: SimProcess,
  isNews: (event: string) => boolean,
  common: LogFields = {},
): Logger {
  const write = (event: string, fields: LogFields = {}): void => {
    if (process.isDead) return;
    const texts = Object.entries({ ...common, ...fields }).map(
      ([name, value]) => `${name}=${shown(value)}`,
    );
    const level = isNews(event) ? 'news' : 'event';
    process.simulation.log(process.name, [event, ...texts].join(' '), level);
  };
  return {
    debug: () => undefined,
    info: write,
    warn: write,
    error: write,
    child: (fields) => simLogger(process, isNews, { ...common, ...fields }),
  };
}

function shown(value: unknown): string {
  if (value instanceof Error) return messageOf(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

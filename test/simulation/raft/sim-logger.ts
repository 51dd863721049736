import { messageOf } from '../../../base/errors.ts';
import type { LogFields, Logger } from '../../../base/logger.ts';
import type { SimProcess } from '../kernel/index.ts';

/** What a node logs stands in the trace, as news. */
export function simLogger(process: SimProcess, common: LogFields = {}): Logger {
  const write = (event: string, fields: LogFields = {}): void => {
    if (process.isDead) return;
    const texts = Object.entries({ ...common, ...fields }).map(([name, value]) => {
      return `${name}=${value instanceof Error ? messageOf(value) : String(value)}`;
    });
    process.simulation.log(process.name, [event, ...texts].join(' '), 'news');
  };
  return {
    debug: () => undefined,
    info: write,
    warn: write,
    error: write,
    child: (fields) => simLogger(process, { ...common, ...fields }),
  };
}

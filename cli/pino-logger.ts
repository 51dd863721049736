import { type Logger as Pino, pino } from 'pino';
import type { LogFields, Logger } from '../base/logger.ts';

/** JSON lines on standard output, one per event; times are ISO 8601 so that a person can read them. */
export function createLogger(level: string, fields: LogFields): Logger {
  const root = pino({
    level,
    base: fields,
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
  return wrap(root);
}

function wrap(logger: Pino): Logger {
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    child: (fields) => wrap(logger.child(fields)),
  };
}

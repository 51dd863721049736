/** Fields of a log line; never a secret (HAZARDS S2). */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log line is an event name in kebab-case and its fields. The composition root gives pino behind it. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger whose lines all carry these fields too. */
  child(fields: LogFields): Logger;
}

/** Says nothing: for tests, and for parts that are used without a node around them. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child() {
    return silentLogger;
  },
};

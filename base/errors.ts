/** What an operational error carries besides its message. */
export interface OperationalErrorOptions {
  /** The same call may succeed later, unchanged, and repeating it cannot do harm. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * An expected failure that the caller must act on. `code` is stable and documented in the README's
 * error table; messages are lower case, name the values, and say what to do.
 */
export class OperationalError extends Error {
  override readonly name: string = 'OperationalError';
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: OperationalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The message of anything thrown, for a log line or a cause chain. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of anything thrown, if it has one: ours, or Node's such as `ENOENT`. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

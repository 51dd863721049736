import type { Clock } from '../base/clock.ts';
import { messageOf, OperationalError } from '../base/errors.ts';
import { endOnAssertion } from '../base/fatal.ts';
import type { Logger } from '../base/logger.ts';
import type { Condemnation, MySqlServer } from './mysql-server.ts';
import type { Verdict } from './role/role-types.ts';

/** A verdict is in memory alone, and this node ends: the next start would judge anew, and may not see what this one saw. */
export class CondemnError extends OperationalError {
  override readonly name = 'CondemnError';

  constructor(verdict: Verdict, cause: unknown) {
    const message = `the mark of a condemned server could not be written: ${messageOf(cause)}; free or mend the disk, and before the next start move its data folder away, because ${verdict.reason}`;
    super('MYSQL_CONDEMN_FAILED', message, { retryable: true, cause });
  }
}

/** Makes verdicts durable, one at a time, and lets no node end in good order before that. */
export class VerdictKeeper {
  readonly #server: Pick<MySqlServer, 'condemn'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Found, and not known to be on disk. */
  #pending: Condemnation | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly server: Pick<MySqlServer, 'condemn'>;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#server = options.server;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Settles when the mark is durable, and rejects when it may not be. */
  async condemn({ reason, gtids }: Verdict): Promise<void> {
    const condemnation = { reason, gtids, atMs: this.#clock.wallMs() };
    this.#logger.error('server-condemned', { reason, gtids });
    this.#pending = condemnation;
    const written = this.#writing.then(() => this.#write(condemnation));
    this.#writing = written.catch(() => undefined);
    await written;
  }

  /** What is under way is awaited, and what failed tried once more. Rejects MYSQL_CONDEMN_FAILED. */
  async close(): Promise<void> {
    await this.#writing;
    const pending = this.#pending;
    if (pending === null) return;
    try {
      await this.#write(pending);
    } catch (thrown) {
      throw new CondemnError(pending, thrown);
    }
  }

  async #write(condemnation: Condemnation): Promise<void> {
    try {
      await this.#server.condemn(condemnation);
    } catch (thrown) {
      endOnAssertion(thrown);
      this.#logger.error('condemn-failed', { reason: messageOf(thrown) });
      throw thrown;
    }
    if (this.#pending === condemnation) this.#pending = null;
  }
}

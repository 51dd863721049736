import type { Fiber } from './fibers.ts';
import type { Isolation } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** One connection of the server, and the thread that serves it. */
export class Session {
  readonly id: number;
  readonly isAdmin: boolean;
  isolation: Isolation = 'repeatable-read';
  /** `sql_log_bin`. */
  isLogged = true;
  transaction: Transaction | null = null;
  /** The statement that runs; null between statements. */
  fiber: Fiber | null = null;
  /** On its way through the commit: no KILL reaches it (FACTS §2). */
  isCommitting = false;
  /** KILL QUERY met it at work: it ends where it next could wait. */
  isQueryKilled = false;
  /** The connection is gone, closed by either side: no answer leaves any more. */
  isClosed = false;

  constructor(id: number, isAdmin: boolean) {
    this.id = id;
    this.isAdmin = isAdmin;
  }
}

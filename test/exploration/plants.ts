/** Faults that can be planted in the model of a shell. Those in the cores are edits of their sources, see `planted-bugs.ts`. */
export type Plant =
  /** The cut is left out. */
  | 'no-cut'
  /** The cut asks what is in the log, not what is committed in it. */
  | 'cut-keeps-uncommitted'
  /** A server is stopped politely where it must be killed. */
  | 'polite-kill'
  /** KILL of a waiting session lets its commit go on, as MariaDB does. */
  | 'kill-releases-waiter'
  /** A lost connection in COMMIT is answered with a definite error. */
  | 'lost-commit-is-an-error'
  /** A promotion waits for what is committed, not for all that is in the log. */
  | 'catch-up-to-commit-index'
  /** A promotion waits for nothing. */
  | 'no-catch-up'
  /** The check that the server equals the log is left out of the take-over. */
  | 'no-equality-check'
  /** A server's GTIDs are not held against the log when it starts. */
  | 'no-errant-check'
  /** The applier takes what is in the log and not yet committed. */
  | 'apply-uncommitted'
  /** The applier does not preserve the commit order. */
  | 'apply-newest-first'
  /** The tail does not look at Raft again once it proposes. */
  | 'tail-keeps-proposing'
  /** A start that has not spawned its mysqld yet does not hear of the kill. */
  | 'start-survives-kill'
  /** A sidecar that starts does not look for a server that an earlier one left behind. */
  | 'left-behind-survives'
  /** A leader's server starts while the log holds what an earlier life of it proposed in the same term. */
  | 'tail-decided-by-earlier-terms';

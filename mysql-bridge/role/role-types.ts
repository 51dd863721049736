/**
 * The term under which a server was allowed to be writable. A promotion belongs to one fencing epoch; when the term of the
 * leadership is over, so is it, and what that server may still hold un-acked is decided by the log alone.
 */
export type FencingEpoch = number;

/**
 * What this node's MySQL may be. Exactly one holds; `term` appears only where a server is, or may be, writable, so that
 * "writable under no term" cannot be written.
 */
export type RoleState =
  /** No mysqld runs. It stays down until the Raft log has decided what its binlog tail is worth. */
  | { readonly kind: 'undecided' }
  /** No mysqld runs; the binlog is being cut to what the log holds as committed. */
  | { readonly kind: 'cutting' }
  /** A start failed or the server died young: waits before it tries again. */
  | { readonly kind: 'backing-off'; readonly ticksLeft: number }
  /** mysqld starts read-only; then its GTIDs are held against the log, and the bridge attaches. */
  | { readonly kind: 'starting' }
  /** Read-only, replication is being pointed at the bridge. */
  | { readonly kind: 'joining' }
  /** Read-only, applies what is committed. */
  | { readonly kind: 'replica' }
  /** Raft leader; the server applies what is left before the own-term no-op. Still read-only. */
  | { readonly kind: 'catching-up'; readonly term: FencingEpoch }
  /** The server is being made writable. From here on only fencing or a planned hand-over leads back. */
  | { readonly kind: 'taking-over'; readonly term: FencingEpoch }
  | { readonly kind: 'primary'; readonly term: FencingEpoch }
  /** Planned transfer: new statements are held, open transactions finish, the server becomes read-only. */
  | { readonly kind: 'quiescing'; readonly term: FencingEpoch }
  /** Planned transfer: read-only with nothing un-acked; Raft hands leadership over. */
  | { readonly kind: 'handing-over'; readonly term: FencingEpoch }
  /** Planned transfer failed: the server is being made writable again, under the same term. */
  | { readonly kind: 'resuming'; readonly term: FencingEpoch }
  /** The gate is closed and mysqld is being killed. */
  | { readonly kind: 'fencing' }
  /** No mysqld runs, and none will on this data; the mark that says so for all later lives of this node is not durable yet. */
  | { readonly kind: 'condemning' }
  /** Errant GTIDs were found: the data folder is moved aside and built anew from the log. */
  | { readonly kind: 'rebuilding' }
  /** Errant GTIDs were found and the log no longer reaches back to its beginning: an operator must rebuild this node. */
  | { readonly kind: 'quarantined' };

/** The one long-running order at a time; its end comes back as a `task-done` or `task-failed` input. */
export type RoleTask =
  | { readonly kind: 'cut-binlog' }
  /** Start mysqld, hold its GTIDs against the log, attach the tail in guard mode. */
  | { readonly kind: 'start-server' }
  | { readonly kind: 'follow' }
  | { readonly kind: 'catch-up'; readonly term: FencingEpoch }
  | { readonly kind: 'take-over'; readonly term: FencingEpoch }
  | { readonly kind: 'quiesce'; readonly deadlineMs: number }
  | { readonly kind: 'transfer-leadership'; readonly target: string | null }
  | { readonly kind: 'resume'; readonly term: FencingEpoch }
  | { readonly kind: 'kill-server' }
  | { readonly kind: 'rebuild' };

/** Why no mysqld may ever run again on what is in the data folder. */
export interface Verdict {
  readonly reason: string;
  /** The transactions it is about, as a GTID set; empty when only the reason names them, or nobody can. */
  readonly gtids: string;
}

/** What Raft says, as far as the role depends on it. */
export interface LeadershipView {
  readonly isLeader: boolean;
  readonly term: number;
  /** The own-term no-op is committed: a promotion may begin. */
  readonly isLeaderReady: boolean;
  /**
   * The log has decided every entry this node wrote in earlier terms (`RaftStatus.isTailDecided`), and on a leader those of the
   * present term as well.
   */
  readonly isTailDecided: boolean;
}

/** Facts. */
export type RoleInput =
  | { readonly kind: 'tick' }
  | { readonly kind: 'leadership'; readonly view: LeadershipView }
  | { readonly kind: 'task-done'; readonly taskId: number }
  | {
      readonly kind: 'task-failed';
      readonly taskId: number;
      readonly code: string;
      readonly reason: string;
    }
  | { readonly kind: 'server-exited'; readonly reason: string }
  /** The probe on the reserved connection timed out (mysqld stopped, or a lock inside it). */
  | { readonly kind: 'server-unresponsive'; readonly reason: string }
  /** The disk under the server is full or hangs: it answers, and no commit ends. */
  | { readonly kind: 'disk-fault'; readonly reason: string }
  /** A setting that safety depends on was changed, the dump was lost for good, an errant write waits for its ack. */
  | { readonly kind: 'server-unsafe'; readonly reason: string }
  /** `gtid_executed` holds what the log does not, or the data does not fit the log for another reason. */
  | ({ readonly kind: 'errant-found'; readonly canRebuild: boolean } & Verdict)
  /** The mark of a condemned server is durable: it was just written, or an earlier life of this node left it. */
  | ({ readonly kind: 'condemned'; readonly canRebuild: boolean } & Verdict)
  | { readonly kind: 'condemn-failed'; readonly reason: string }
  | {
      readonly kind: 'transfer-requested';
      readonly target: string | null;
      readonly deadlineMs: number;
    };

/** Orders, to be carried out in order. All but `run-task` take effect before the next one is begun. */
export type RoleEffect =
  | { readonly kind: 'close-gate'; readonly reason: string }
  | { readonly kind: 'open-gate'; readonly term: FencingEpoch }
  /** The bridge acks nothing any more on this attachment, whatever commits (HAZARDS G1, G7). */
  | { readonly kind: 'stop-acks' }
  | { readonly kind: 'abdicate'; readonly reason: string }
  | { readonly kind: 'set-electable'; readonly isElectable: boolean }
  /**
   * Makes the verdict durable, and answers with `condemned` or `condemn-failed`. The orders behind it do not wait for the disk:
   * they close and kill, and nothing is lost by that.
   */
  | { readonly kind: 'condemn'; readonly verdict: Verdict }
  /** Settles the running task early; it still reports, as failed. */
  | { readonly kind: 'cancel-task'; readonly taskId: number }
  | { readonly kind: 'run-task'; readonly taskId: number; readonly task: RoleTask }
  | { readonly kind: 'release-statements'; readonly outcome: 'aborted' | 'handed-over' }
  | {
      readonly kind: 'transfer-ended';
      readonly outcome: 'handed-over' | 'aborted' | 'refused';
      readonly reason: string;
    }
  | { readonly kind: 'state-changed'; readonly state: RoleState; readonly reason: string };

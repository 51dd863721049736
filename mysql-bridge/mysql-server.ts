/** A MySQL server program found on this machine, or fetched for the user. */
export interface MySqlInstallation {
  /** `9.7.4`; at least 8.0.26. */
  readonly version: string;
  readonly origin: 'option' | 'path' | 'fetched';
  /** What to execute, arguments that belong to the program included (a foreign tree runs through its own loader). */
  readonly mysqldCommand: readonly string[];
  /** Options this tree always needs, such as its plug-in and message folders. */
  readonly mysqldOptions: readonly string[];
  /** The `mysql` client of the same tree or machine, ready to execute; null when there is none. */
  readonly mysqlCommand: readonly string[] | null;
  /** `mysqlbinlog`, likewise. */
  readonly mysqlbinlogCommand: readonly string[] | null;
}

/** The account the sidecar itself uses on its own server; it exists on every node and is never replicated. */
export interface InternalAccount {
  readonly user: string;
  readonly password: string;
}

/** Why no mysqld may ever run again on what is in the data folder, and when that was found. */
export interface Condemnation {
  readonly reason: string;
  /** The transactions it is about, as a GTID set; empty when only the reason names them, or nobody can. */
  readonly gtids: string;
  readonly atMs: number;
}

export type MySqlServerState = 'stopped' | 'starting' | 'running';

/** Why a server process is gone. `wanted` is true when `kill` or `stop` asked for it. */
export interface MySqlExit {
  readonly status: number | null;
  readonly signal: string | null;
  readonly wanted: boolean;
  /** The last lines of its error log that explain it, newest last; at most 20. */
  readonly lastErrors: readonly string[];
}

/**
 * One mysqld, a child process of this node. It knows nothing of Raft and never restarts by itself: the role machine decides,
 * because a mysqld with an undecided binlog tail must not start (ARCHITECTURE, "the log decides, then the database starts").
 */
export interface MySqlServer {
  readonly state: MySqlServerState;
  readonly pid: number | null;
  /** The unix socket of ordinary connections of the sidecar. */
  readonly socketPath: string;
  /** Loopback port that the proxy's sessions use. */
  readonly port: number;
  /** Loopback port of the reserved connections (`admin_port`). */
  readonly adminPort: number;
  /** Folder of data files, binlog included. */
  readonly dataDirectory: string;
  /** Kills a mysqld left behind by an earlier sidecar, then creates the data folder if there is none. Idempotent. */
  prepare(): Promise<void>;
  /**
   * Starts read-only (`super_read_only`, replication not started, semisync source on, event scheduler off) and settles
   * when it accepts connections and its settings were checked. Rejects with FatalError MYSQL_SETTING_UNSAFE, or
   * OperationalError MYSQL_START_FAILED with the log's last errors, or MYSQL_SERVER_CONDEMNED before anything is started.
   */
  start(): Promise<void>;
  /** SIGKILL; settles when the process is reaped and its socket and lock files are gone. Fine on a stopped server. */
  kill(): Promise<void>;
  /** Polite shutdown, only when nothing can be un-acked; SIGKILL at the deadline. */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
  /**
   * Puts a mark into the data folder: no mysqld is started on it again. On disk when it settles, its name too, and it goes
   * where the data goes, so that only `rebuild` gets rid of it. Fine at any time; the later of two verdicts replaces the first.
   */
  condemn(condemnation: Condemnation): Promise<void>;
  /** What the mark in the data folder says; null when there is none. A damaged mark condemns like a whole one. */
  condemnation(): Promise<Condemnation | null>;
  /**
   * In words, why commits cannot end: the disk under the data folder is full, hangs for longer than this, or refuses writes. Null when it
   * takes them. Never rejects; one that hangs is not asked twice at a time.
   */
  diskFault(timeoutMs: number): Promise<string | null>;
  /** Moves the data folder aside (one earlier copy is kept) and creates a fresh one. Only while stopped. */
  rebuild(): Promise<void>;
  onExit(listener: (exit: MySqlExit) => void): () => void;
}

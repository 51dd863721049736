import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import type { TransactionContent } from './event-bytes.ts';
import type { SimAnswer } from './statements.ts';

/** What takes time in a server; the caller says how long, by when it answers `done`. A crash may fall in front of each. */
export type SimWork =
  /** Reading the data folder, crash recovery included. */
  | 'recover'
  /** A statement, up to where it commits. */
  | 'execute'
  /** Engine prepare with its redo sync, and the write to the binlog file: at `done` the bytes are in the file, not synced. */
  | 'binlog-flush'
  /** At `done` the binlog is synced as far as it was when this began; then dumps send it. */
  | 'binlog-sync'
  /** One transaction in the engine, in binlog order: at `done` all see it. */
  | 'engine-commit'
  /** One received transaction, up to where its turn to commit comes. */
  | 'apply'
  /** From the signal to the exit. */
  | 'shut-down';

export type SimTimer =
  | 'lock-wait'
  | 'wait-for-executed'
  | 'connect-retry'
  | 'heartbeat'
  | 'end-dumps';

/** What the server does to the world, in order. */
export type SimMysqlEffect =
  /** Answer `{ kind: 'done', id }` when it took its time. `bytes` is how much it writes, where that matters. */
  | {
      readonly kind: 'work';
      readonly id: number;
      readonly work: SimWork;
      readonly bytes: number;
    }
  /** Answer `{ kind: 'done', id }` after `ms`; it may be late, or no longer matter. */
  | {
      readonly kind: 'timer';
      readonly id: number;
      readonly timer: SimTimer;
      readonly ms: number;
    }
  /** Accepts connections; read-only, replication stopped, semisync on, event scheduler off. */
  | { readonly kind: 'started' }
  /** The process is gone, and with it all sessions, dumps, and its connection to the source, without another word. */
  | { readonly kind: 'exited'; readonly why: 'killed' | 'shut-down' | 'cannot-recover' }
  | { readonly kind: 'connected'; readonly session: number }
  | { readonly kind: 'answer'; readonly session: number; readonly answer: SimAnswer }
  /** The server closed this connection (KILL, shutdown, refused); a statement on it gets no answer. */
  | { readonly kind: 'closed'; readonly session: number; readonly reason: string }
  /** Events of a dump, as packets: status byte, semisync magic and flag if it is semisynchronous, event. */
  | {
      readonly kind: 'events';
      readonly session: number;
      readonly pieces: readonly PacketPiece[];
    }
  /** The dump ends with an error packet, the connection with it. */
  | {
      readonly kind: 'dump-refused';
      readonly session: number;
      readonly number: number;
      readonly message: string;
    }
  /** The receiver asks the source for everything that is not in `exclude`. */
  | { readonly kind: 'source-connect'; readonly connection: number; readonly exclude: GtidSet }
  | { readonly kind: 'source-close'; readonly connection: number }
  /** For checkers only: the engine made this visible. `gtid` null: without one (sql_log_bin = 0). */
  | {
      readonly kind: 'committed';
      readonly gtid: Gtid | null;
      readonly content: TransactionContent;
      readonly by: 'session' | 'applier' | 'recovery';
    }
  /** For checkers only: the applier met what it cannot apply, and stops. */
  | { readonly kind: 'applier-failed'; readonly error: string };

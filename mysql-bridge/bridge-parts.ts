import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { LogIndex } from '../raft/core/types.ts';
import type { Raft } from '../raft/raft-api.ts';
import type { Gtid } from './binlog/gtid.ts';
import type { GtidSet } from './binlog/gtid-set.ts';
import type { BinlogPosition } from './binlog/position.ts';
import type { MySqlServer } from './mysql-server.ts';
import type { StatementTrace } from './role/unlogged-writes.ts';

// What the bridge needs of its parts, declared by it: small enough that a simulation can stand in for each.

/** Where a replica connects to. */
export interface SourceAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** How writes may have got past the log. */
export interface Bypasses {
  /** In words, how commits may have passed without our ack; empty when none can have. */
  readonly gate: readonly string[];
  /** Statements that name `sql_log_bin` and took effect; see `unloggedWrite`. */
  readonly traces: readonly StatementTrace[];
}

/** Connections of the sidecar to its own server; every statement has a timeout and is idempotent. */
export interface ServerAdmin {
  executedGtids(): Promise<string>;
  /** Where the next event goes. */
  binlogEnd(): Promise<BinlogPosition>;
  /** False at the timeout. */
  waitForExecuted(gtidSet: string, timeoutMs: number): Promise<boolean>;
  follow(source: SourceAddress): Promise<void>;
  stopFollowing(): Promise<void>;
  /** Turning read-only waits for commits in progress. */
  setWritable(isWritable: boolean, options: { readonly timeoutMs: number }): Promise<void>;
  setFlush(role: 'primary' | 'replica'): Promise<void>;
  setEventScheduler(isOn: boolean): Promise<void>;
  /** Faults in words; empty when every setting that safety depends on is as it must be. */
  settingsFaults(): Promise<readonly string[]>;
  /** Faults in words; empty when semisync waits for exactly one replica, ours, and has never been bypassed. */
  semisyncFaults(): Promise<readonly string[]>;
  /** Cheap: asked several times a second. */
  bypasses(): Promise<Bypasses>;
  /** Errors of the receiver and the appliers, see `isApplierError`; empty when they run. */
  replicaFaults(): Promise<readonly string[]>;
  /** False when the server did not answer in time. */
  probe(timeoutMs: number): Promise<boolean>;
  /** Ends these connections; one that is gone is no error. */
  killConnections(connectionIds: readonly number[]): Promise<void>;
  ensureAppAccount(account: { readonly user: string; readonly password: string }): Promise<void>;
  /** Drops every connection at once. */
  close(): void;
}

/** The bridge posing as the only semisync replica of its server. */
export interface Tail {
  attach(exclude: GtidSet): Promise<void>;
  /**
   * Propose what arrives from now on, and ack what commits, under this term only. False, and nothing changes, when an errant write
   * arrived before or the connection is lost: whoever listens has been told.
   */
  beginProposing(term: number): boolean;
  /** From this call on nothing is proposed and nothing acked; what arrives is an errant write attempt. */
  stopAcks(): void;
  readonly unackedCount: number;
  /** Where the newest transaction ends that came to be proposed; null: none came. */
  readonly receivedEnd: BinlogPosition | null;
  /** A transaction that is executed, by what the server told before this call, though no ack of ours has covered it; null: there is none. */
  passedWithoutAck(executed: GtidSet): Gtid | null;
  /** The connection is lost for good, or what came is not understood: the server cannot commit any more. */
  onLost(listener: (reason: string) => void): void;
  /** A transaction arrived while not proposing. It waits for an ack it will never get. */
  onErrant(listener: (gtid: Gtid) => void): void;
  /** While proposing: a GTID came that the log holds already. Nothing of it was proposed, and nothing is from here on. */
  onReused(listener: (gtid: Gtid) => void): void;
  close(): void;
}

/** A transaction of the log that a server has not executed. */
export interface MissingTransaction {
  readonly gtid: Gtid;
  /** A later one of the log is there. A server commits in the order of the log, so it was told to forget what it has applied. */
  readonly isGap: boolean;
}

/** What the log says about transactions. */
export interface Ledger {
  readonly committed: GtidSet;
  readonly ledgerIndex: LogIndex;
  readonly logHash: string;
  hasTransaction(gtid: Gtid): boolean;
  caughtUpTo(index: LogIndex, options?: { readonly signal?: AbortSignal }): Promise<void>;
  indexOfApplied(executed: GtidSet): Promise<LogIndex>;
  missingIn(executed: GtidSet): Promise<MissingTransaction | null>;
  errantOf(executed: GtidSet): GtidSet;
}

/** The part of the proxy that the role of the server governs. */
export interface ClientGate {
  openGate(term: number): void;
  closeGate(reason: string): void;
  endLocalReadOnlySessions(): Promise<void>;
  holdStatements(options: { readonly deadlineMs: number }): Promise<
    | { readonly kind: 'quiet' }
    | {
        readonly kind: 'blocked';
        readonly sessions: readonly {
          readonly id: number;
          readonly user: string;
          readonly peer: string;
          readonly inTransactionMs: number;
        }[];
      }
  >;
  releaseStatements(outcome: 'aborted' | 'handed-over'): void;
}

export interface BridgeParts {
  readonly raft: Raft;
  readonly server: MySqlServer;
  readonly ledger: Ledger;
  readonly gate: ClientGate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Opens the connections, reserved one included. */
  connectAdmin(): Promise<ServerAdmin>;
  createTail(): Tail;
  /** Cuts everything behind the last committed transaction; answers the GTIDs that were cut. */
  cutBinlog(isCommitted: (gtid: Gtid) => boolean): Promise<readonly string[]>;
}

export interface BridgeOptions {
  /** The source this node's own server replicates from: the bridge's own listener. */
  readonly source: SourceAddress;
  readonly appAccount: { readonly user: string; readonly password: string } | null;
  readonly probeTimeoutMs: number;
  /** A disk that does not take a write for so long is given up. */
  readonly diskTimeoutMs: number;
  readonly transferDeadlineMs: number;
}

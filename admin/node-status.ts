import type { RaftStatus } from '../raft/raft-api.ts';

/** What `GET /status` answers and `binraft status --json` prints, one per node. Stable: fields are only added. */
export interface NodeStatus {
  readonly node: string;
  readonly clusterId: string;
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly raft: RaftStatus;
  readonly mysql: MySqlStatus;
  readonly proxy: {
    readonly readWriteSessions: number;
    readonly readOnlySessions: number;
    readonly refusedSessions: number;
    readonly heldResponses: number;
    /** Responses of this node's primary may leave. */
    readonly isGateOpen: boolean;
  };
  readonly ports: {
    readonly readWrite: number;
    readonly readOnly: number;
    readonly binlog: number;
    readonly raft: number;
    readonly admin: number;
    readonly mysql: number;
  };
}

/** The MySQL server of a node, as its bridge sees it. */
export interface MySqlStatus {
  /** `primary`, `replica`, or what it is doing meanwhile; see `mysql-bridge/role`. */
  readonly role: string;
  /** Why it is in this role, in words. */
  readonly reason: string;
  /** Wall clock, ISO 8601. */
  readonly since: string;
  readonly health: 'ok' | 'starting' | 'degraded' | 'down';
  /** What is wrong when health is not `ok`; empty otherwise. */
  readonly complaints: readonly string[];
  readonly version: string;
  readonly pid: number | null;
  readonly gtidExecuted: string;
  /**
   * Newest log entry in effect on this server. Behind `raft.appliedIndex`, which never goes back, on a server that was built anew or
   * lost its newest transactions in a crash.
   */
  readonly appliedIndex: number;
  /** Log entries committed and not yet applied here. */
  readonly entriesBehind: number;
  /** CRC chain over the committed log up to `logHashIndex`; equal on all nodes at equal indexes. */
  readonly logHash: string;
  readonly logHashIndex: number;
  /** Transactions whose commit waits for the quorum. Only a primary has any. */
  readonly unackedTransactions: number;
}

/** What `GET /cluster` answers: every member, asked by the node that was asked. */
export interface ClusterStatus {
  readonly askedNode: string;
  readonly nodes: readonly MemberStatus[];
}

export type MemberStatus =
  | { readonly kind: 'reached'; readonly id: string; readonly status: NodeStatus }
  | UnreachableMember;

/** A member that gave no answer, whatever it was asked. */
export interface UnreachableMember {
  readonly kind: 'unreachable';
  readonly id: string;
  readonly address: string;
  readonly reason: string;
}

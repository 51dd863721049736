import type { LogIndex, NodeId } from '../raft/core/types.ts';

/**
 * Where sessions of one port go. `local` is this node's mysqld, `remote` another node's forwarding listener. `removed`: this node is
 * no member any more, and hears of nobody who serves; new sessions are refused, as to wait would be in vain.
 */
export type ProxyTarget =
  | { readonly kind: 'local'; readonly port: number }
  | { readonly kind: 'removed' }
  | {
      readonly kind: 'remote';
      readonly nodeId: NodeId;
      readonly host: string;
      readonly port: number;
    };

/** What the proxy must know of the cluster; replaced as a whole. Null: nobody can serve now, new sessions wait. */
export interface ProxyView {
  readonly readWrite: ProxyTarget | null;
  readonly readOnly: ProxyTarget | null;
}

/** Whether two views send every session to the same place. */
export function isSameView(left: ProxyView, right: ProxyView): boolean {
  return (
    isSameTarget(left.readWrite, right.readWrite) && isSameTarget(left.readOnly, right.readOnly)
  );
}

function isSameTarget(left: ProxyTarget | null, right: ProxyTarget | null): boolean {
  if (left?.kind === 'remote' && right?.kind === 'remote') {
    return left.nodeId === right.nodeId && left.host === right.host && left.port === right.port;
  }
  if (left?.kind === 'local' && right?.kind === 'local') return left.port === right.port;
  return left?.kind === right?.kind;
}

/** A session that kept a transfer from happening, for the operator. */
export interface BlockingSession {
  readonly id: number;
  readonly user: string;
  readonly peer: string;
  readonly inTransactionMs: number;
}

export type HoldOutcome =
  | { readonly kind: 'quiet' }
  | { readonly kind: 'blocked'; readonly sessions: readonly BlockingSession[] };

export interface ProxyCounts {
  readonly readWriteSessions: number;
  readonly readOnlySessions: number;
  readonly refusedSessions: number;
  readonly heldResponses: number;
}

/** What the proxy asks of its node; calls come from the main thread. */
export interface ProxyHost {
  /** As `Raft.readIndex`: settles after a quorum round begun after the call. */
  readIndex(): Promise<LogIndex>;
  /** As `Raft.leaseUntilMs`. */
  leaseUntilMs(): number;
}

/** The two ports of a node (and the two that other nodes forward to), as the rest of the node drives them. */
export interface Proxy {
  /** Starts the worker threads and listeners. Rejects FatalError PORT_TAKEN naming port and, if it can be found, owner. */
  open(): Promise<void>;
  close(): Promise<void>;
  setView(view: ProxyView): void;
  /** Responses of the local primary may leave, under this term. Asserts the gate is closed. */
  openGate(term: number): void;
  /**
   * From this call on no response of the local primary leaves any more, whatever thread it is in: it takes effect in shared
   * memory before the call returns. Sessions on it then end with a proper error that says whether their last outcome is
   * unknown. Fine on a closed gate.
   */
  closeGate(reason: string): void;
  /** Sessions of the read-only port on the local server end; settles when none is left. Before a promotion. */
  endLocalReadOnlySessions(): Promise<void>;
  /**
   * Holds new statements of sessions outside a transaction, then settles when no statement runs and no transaction is
   * open, or at the deadline with the sessions in the way. Statements inside an open transaction still pass.
   */
  holdStatements(options: { readonly deadlineMs: number }): Promise<HoldOutcome>;
  /** `aborted`: held statements go on here. `handed-over`: sessions end, told that the held statement was not executed. */
  releaseStatements(outcome: 'aborted' | 'handed-over'): void;
  counts(): ProxyCounts;
}

import type { MemberChange } from './member-changes.ts';
import type { Message } from './messages.ts';
import type { SnapshotMeta } from './snapshot.ts';
import type { LogIndex, NodeId } from './types.ts';

/** Facts told to the machine; it never asks, waits, or reads a clock. */
export type Input =
  | { readonly kind: 'tick' }
  | { readonly kind: 'message'; readonly from: NodeId; readonly message: Message }
  /** Payloads to append as `data` entries, in order, all or none. Answered in the same step. */
  | { readonly kind: 'propose'; readonly payloads: readonly Uint8Array[] }
  /** All `persist` effects up to and including `ioId` are durable. */
  | { readonly kind: 'persisted'; readonly ioId: number }
  /** Start (or join) a quorum round for this read; answered by `read-ready` or `read-rejected` with the id. */
  | { readonly kind: 'read-index'; readonly readId: number }
  /**
   * The same, on any node: one that does not lead asks its leader (Raft thesis §6.4). Rejected when no leader answers within an
   * election timeout. The index says nothing about who leads now.
   */
  | { readonly kind: 'read-index-of-leader'; readonly readId: number }
  /** `target: null` lets the machine choose the most caught-up voter. Answered by `transfer-ended` with the id. */
  | {
      readonly kind: 'transfer-leadership';
      readonly transferId: number;
      readonly target: NodeId | null;
    }
  /**
   * Move to a configuration that differs by all of these changes at once. Answered by `membership-change-ended` with the id: in
   * the same step when it is rejected, else when the last configuration of the change is committed or leadership is gone.
   */
  | {
      readonly kind: 'change-membership';
      readonly changeId: number;
      readonly changes: readonly MemberChange[];
    }
  /** Become follower at once, in the same term, and do not campaign for one full election timeout. */
  | { readonly kind: 'step-down' }
  /** The newest entry in effect on the local MySQL; goes back when its server was built anew. */
  | { readonly kind: 'applied'; readonly index: LogIndex }
  /** Whether this node may campaign at all (a quarantined one may not). It votes either way. */
  | { readonly kind: 'set-electable'; readonly isElectable: boolean }
  /** Whether the local MySQL runs: one that must be started first makes a failover as long as its start. */
  | { readonly kind: 'set-server-up'; readonly isServerUp: boolean }
  /** The transport lost the peer: what was in flight is gone; fall back to probing. */
  | { readonly kind: 'peer-unreachable'; readonly peer: NodeId }
  /** A `send-entries` effect could not be carried out. */
  | { readonly kind: 'send-failed'; readonly peer: NodeId }
  /**
   * Drop the entries up to `upTo`, or up to what is applied and durable here if that is less. The caller answers for what the
   * machine cannot see: that what was applied will survive a crash, and who may still want the entries.
   */
  | { readonly kind: 'compact'; readonly upTo: LogIndex }
  /** The state that `meta` describes, or a later one, is in effect here, durably. */
  | { readonly kind: 'snapshot-installed'; readonly meta: SnapshotMeta }
  /** It could not be fetched or installed. The leader will offer one again. */
  | { readonly kind: 'snapshot-failed'; readonly meta: SnapshotMeta };

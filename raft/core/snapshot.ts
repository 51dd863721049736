import type { MembershipRecord } from './membership-history.ts';
import type { EntryId } from './types.ts';

/**
 * What takes the place of the entries up to `last`: with it a log can begin behind them (Raft thesis §5.1). The state that these
 * entries led to is opaque to Raft and travels beside its messages.
 */
export interface SnapshotMeta {
  /** The newest entry covered. It is committed, so no log ever holds another one at its place. */
  readonly last: EntryId;
  /**
   * The configuration in effect there: whoever begins from here must know who the members are. Null while no entry of the
   * log says it: then they are those that the node was configured with.
   */
  readonly membership: MembershipRecord | null;
}

import { assert } from '../../base/assert.ts';
import { type Member, membershipFault } from './membership.ts';
import type { NodeId } from './types.ts';

/** Fixed for the life of a machine. Times are ticks. */
export interface RaftConfig {
  readonly self: NodeId;
  /**
   * The configuration of a cluster whose log holds none yet; equal at all its first nodes. Empty at a node that waits to be
   * added: it knows of nobody, campaigns never, and learns the configuration from its leader.
   */
  readonly initialMembers: readonly Member[];
  /**
   * The node runs without a database, whatever a configuration makes of it: it stores the log, takes of a snapshot only what that is
   * of, and as a voter does what a witness does. Default: false.
   */
  readonly isStateless?: boolean;
  /** A leader sends at least this often. */
  readonly heartbeatTicks: number;
  /** An election timeout is drawn from `[electionTicksMin, electionTicksMax)`. */
  readonly electionTicksMin: number;
  readonly electionTicksMax: number;
  /**
   * Entries that a node may have left to apply and still count as fit to lead at once. Applied indexes are reported from time to
   * time, so it must be more than what is written between two reports.
   */
  readonly applyLagMax: number;
  /** A transfer that has not ended by then is aborted. */
  readonly transferTicksMax: number;
  /** Appends on the wire to one follower, unanswered. */
  readonly inflightAppendsMax: number;
  /** Entries and payload bytes in one append. One entry larger than the byte limit travels alone. */
  readonly appendEntriesMax: number;
  readonly appendBytesMax: number;
  /** Payload bytes appended by this leader and not yet committed; past it proposals are rejected. */
  readonly uncommittedBytesMax: number;
}

/** A tick is 25 ms: heartbeats every 100 ms, election timeouts of 0.5 to 1 s. */
export const defaultRaftTimings: Omit<RaftConfig, 'self' | 'initialMembers'> = {
  heartbeatTicks: 4,
  electionTicksMin: 20,
  electionTicksMax: 40,
  applyLagMax: 2000,
  transferTicksMax: 80,
  inflightAppendsMax: 64,
  appendEntriesMax: 1024,
  appendBytesMax: 2 * 1024 * 1024,
  uncommittedBytesMax: 16 * 1024 * 1024,
};

/** Relations between limits are checked, not described. */
export function checkRaftConfig(config: RaftConfig): RaftConfig {
  const { initialMembers: incoming } = config;
  const fault = incoming.length === 0 ? null : membershipFault({ incoming, outgoing: [] });
  assert(fault === null, `the initial configuration is unusable: ${fault}`);
  assert(config.heartbeatTicks >= 1, 'a leader sends heartbeats');
  assert(
    config.electionTicksMin > 2 * config.heartbeatTicks,
    'one lost heartbeat is no reason to campaign',
  );
  assert(config.electionTicksMax > config.electionTicksMin, 'election timeouts must differ');
  assert(config.applyLagMax >= 1, 'an entry in flight is no lag');
  assert(
    config.inflightAppendsMax >= 1 && config.appendEntriesMax >= 1,
    'an append carries something',
  );
  assert(
    config.appendBytesMax <= config.uncommittedBytesMax,
    'one append fits what may be in flight',
  );
  return config;
}

import { assert } from '../../base/assert.ts';
import { isOwnTermCommitted } from './read-index.ts';
import type { RaftState } from './state.ts';
import type { LogIndex, NodeId, Term } from './types.ts';

interface Seen {
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly firstIndex: LogIndex;
  readonly isLeader: boolean;
}

/**
 * Laws that hold after every step, checked in production as well: each costs a few comparisons, and a node whose memory
 * breaks one must end before it answers anybody.
 */
export class Invariants {
  #seen: Seen | null = null;

  check(state: RaftState): void {
    const now: Seen = {
      term: state.term,
      votedFor: state.votedFor,
      commitIndex: state.log.commitIndex,
      appliedIndex: state.log.appliedIndex,
      lastIndex: state.log.lastIndex,
      firstIndex: state.log.firstIndex,
      isLeader: state.leader !== null,
    };
    checkPointers(state, now);
    if (this.#seen !== null) checkProgress(this.#seen, now);
    checkMembership(state);
    checkLeader(state);
    this.#seen = now;
  }
}

function checkPointers(state: RaftState, now: Seen): void {
  assert(now.firstIndex <= now.appliedIndex + 1, 'only what is applied was compacted away');
  assert(now.appliedIndex <= now.commitIndex, 'applied index is at most the commit index');
  assert(now.commitIndex <= now.lastIndex, 'commit index is at most the last index');
  assert(state.writes.persistedIndex <= now.lastIndex, 'only what is in the log is durable');
  assert(state.log.last.term <= now.term, 'no entry is of a later term than the node');
}

/** HAZARDS I2, I6, I7. */
function checkProgress(before: Seen, now: Seen): void {
  assert(now.term >= before.term, 'the term never goes back');
  assert(now.commitIndex >= before.commitIndex, 'the commit index never goes back');
  assert(now.appliedIndex >= before.appliedIndex, 'the applied index never goes back');
  assert(now.firstIndex >= before.firstIndex, 'what was compacted away never comes back');
  if (now.term !== before.term) return;
  const isVoteKept = before.votedFor === null || before.votedFor === now.votedFor;
  assert(isVoteKept, 'a vote stands for its whole term');
  const isAppendOnly = !(before.isLeader && now.isLeader) || now.lastIndex >= before.lastIndex;
  assert(isAppendOnly, 'a leader only appends to its log');
}

/** HAZARDS I11: one change at a time, and only in a term that committed something. */
function checkMembership(state: RaftState): void {
  const { leader, log, memberships } = state;
  const { current, previous } = memberships;
  assert(current.index <= log.lastIndex, 'the configuration in effect stands in the log');
  if (leader === null || previous === null || !isOwnTermCommitted(state, leader)) return;
  assert(previous.index <= log.commitIndex, 'one configuration at most is not committed');
}

function checkLeader(state: RaftState): void {
  const { leader, log } = state;
  if (leader === null) return;
  assert(log.last.term === state.term, 'a leader has an entry of its term');
  assert(state.votedFor === state.config.self, 'a leader voted for itself');
  for (const peer of state.peers) assert(leader.followers.has(peer), `${peer} is replicated to`);
  for (const progress of leader.followers.values()) {
    assert(progress.matchIndex < progress.nextIndex, 'what is matched is not sent again');
    assert(progress.nextIndex <= log.lastIndex + 1, 'only what is in the log is sent');
    const { mode } = progress;
    const isOffered = mode.kind !== 'snapshot' || mode.coversAtLeast <= log.base.index;
    assert(isOffered, 'a snapshot stands for what was compacted away');
  }
}

import { assert } from '../../base/assert.ts';
import { beginCatchUp } from './catch-up.ts';
import { EntryKind } from './entry.ts';
import { endTransfer } from './leadership-transfer.ts';
import { abandonChange } from './membership-change.ts';
import { Progress } from './progress.ts';
import { appendAsLeader } from './proposals.ts';
import { QuickQuorum } from './quick-quorum.ts';
import { rejectReads } from './read-index.ts';
import { ReadRounds } from './read-rounds.ts';
import type { LeaderState, PendingRead, RoleState } from './role-state.ts';
import type { RaftState } from './state.ts';
import { logIndex, type NodeId, type Term, term } from './types.ts';
import { UncommittedBytes } from './uncommitted-bytes.ts';

// The transitions between roles (Raft thesis figure 3.3), and nothing but what each changes.

export function becomeFollower(
  state: RaftState,
  options: { readonly term: Term; readonly leaderId: NodeId | null },
): void {
  const { leader, term: termBefore } = state;
  const { term: nextTerm, leaderId } = options;
  if (nextTerm > termBefore) state.setHardState({ term: nextTerm, votedFor: null });
  become(state, { kind: 'follower', leaderId });
  if (leader === null) return;
  // Who led knows that no other leader of its term can be alive: it may vote at once, and waits its turn to campaign.
  state.leaderSilenceTicks = state.config.electionTicksMin;
  state.resetElectionTimer();
  rejectReads(state, leader);
  abandonChange(state, { of: leader, leaderId });
  endTransfer(state, { of: leader, isTermOver: nextTerm > termBefore });
}

/** Asks around first, so that a node which was cut off does not depose a healthy leader (Raft thesis §9.6). */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role.kind !== 'leader', 'a leader does not campaign');
  state.resetElectionTimer();
  become(state, { kind: 'pre-candidate', votes: new Map([[state.config.self, true]]) });
}

/** A new term with the own vote, which counts when it is durable. */
export function becomeCandidate(state: RaftState, options: { readonly isTransfer: boolean }): void {
  assert(state.role.kind !== 'leader', 'a leader does not campaign');
  state.setHardState({ term: term(state.term + 1), votedFor: state.config.self });
  const voteIoId = state.writes.hardState;
  assert(voteIoId !== null, 'the own vote is on its way to the disk');
  state.resetElectionTimer();
  become(state, { kind: 'candidate', votes: new Map(), voteIoId, ...options });
}

/** Appends the own-term no-op at once: it commits all before it, and opens the way to serve (Raft thesis §6.4). */
export function becomeLeader(state: RaftState): void {
  assert(state.role.kind === 'candidate', 'only a candidate wins');
  const noOpIndex = logIndex(state.log.lastIndex + 1);
  const leader: LeaderState = {
    kind: 'leader',
    sinceTick: state.tick,
    noOpIndex,
    followers: new Map(state.peers.map((peer) => [peer, new Progress(state.config, noOpIndex)])),
    departing: new Map(),
    catchUps: new Map(
      state.peers.filter((peer) => !state.isVoter(peer)).map((peer) => [peer, beginCatchUp(state)]),
    ),
    reads: new ReadRounds<PendingRead>(),
    quick: new QuickQuorum(),
    uncommitted: new UncommittedBytes(state.config.uncommittedBytesMax),
    ticksSinceHeartbeat: 0,
    transfer: null,
    offersUntaken: new Map(),
    changeId: null,
    hasTriedToHandOn: false,
    hasOfferedLeadership: false,
  };
  state.resetElectionTimer();
  become(state, leader);
  const noOp = {
    term: state.term,
    index: noOpIndex,
    kind: EntryKind.noOp,
    payload: new Uint8Array(0),
  };
  appendAsLeader(state, leader, [noOp]);
}

/** Tells the shell if what it was told last is no longer so. */
function become(state: RaftState, next: RoleState): void {
  const { announced } = state;
  state.role = next;
  const now = { role: next.kind, term: state.term, leaderId: state.leaderId };
  const isNews =
    now.role !== announced.role ||
    now.term !== announced.term ||
    now.leaderId !== announced.leaderId;
  if (!isNews) return;
  state.announced = now;
  state.emit({ kind: 'role-changed', ...now });
}

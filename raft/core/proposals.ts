import { assert } from '../../base/assert.ts';
import type { ProposalRejection } from './effects.ts';
import { type Entry, EntryKind } from './entry.ts';
import { followMembership } from './followers.ts';
import { entryOverheadBytes } from './limits.ts';
import { broadcastAppends } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';
import { logIndex } from './types.ts';

/** Appends all payloads or none, and answers in the same step. */
export function propose(state: RaftState, payloads: readonly Uint8Array[]): void {
  assert(payloads.length > 0, 'a proposal carries something');
  const { leader } = state;
  // A witness cannot serve, and leads only to hand on.
  if (leader === null || state.isWitness) {
    reject(state, 'not-leader');
    return;
  }
  if (leader.transfer !== null) {
    reject(state, 'transferring');
    return;
  }
  const bytes = payloads.reduce((sum, payload) => sum + payload.length + entryOverheadBytes, 0);
  if (!leader.uncommitted.hasRoomFor(bytes)) {
    reject(state, 'too-many-in-flight');
    return;
  }
  const firstIndex = logIndex(state.log.lastIndex + 1);
  const entries = payloads.map((payload, offset) => ({
    term: state.term,
    index: logIndex(firstIndex + offset),
    kind: EntryKind.data,
    payload,
  }));
  leader.uncommitted.add({ lastIndex: logIndex(firstIndex + entries.length - 1), bytes });
  appendAsLeader(state, leader, entries);
  state.emit({ kind: 'proposal-accepted', term: state.term, firstIndex, count: entries.length });
}

/** Invariant: a leader only appends; it never overwrites its own log (Raft thesis §3.5, HAZARDS I2). */
export function appendAsLeader(
  state: RaftState,
  leader: LeaderState,
  entries: readonly Entry[],
): void {
  const hasMembership = state.append(entries);
  if (hasMembership) followMembership(state, leader);
  broadcastAppends(state, leader);
}

function reject(state: RaftState, reason: ProposalRejection): void {
  state.emit({ kind: 'proposal-rejected', reason, leaderId: state.leaderId });
}

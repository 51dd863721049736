import { assert } from '../../base/assert.ts';
import type { Effect } from './effects.ts';
import { memberOf } from './membership.ts';
import { progressOf, wasHeardLately } from './replication.ts';
import type { LeaderState, Transfer } from './role-state.ts';
import type { RaftState } from './state.ts';
import type { NodeId } from './types.ts';

// Handing leadership over (Raft thesis §3.10): proposals stop, the target gets what it lacks, and is told to
// campaign at once. Whatever goes wrong, the deadline gives leadership back.

/** What somebody asked for. One at a time, and one that this node began by itself counts. */
export function requestTransfer(
  state: RaftState,
  request: { readonly transferId: number; readonly target: NodeId | null },
): void {
  const { leader } = state;
  const { transferId } = request;
  if (leader === null) {
    end(state, { transferId, outcome: 'rejected', reason: 'this node does not lead' });
    return;
  }
  const target = request.target ?? bestTarget(state, leader);
  const reason = refusalOf(state, leader, target);
  if (reason !== null) end(state, { transferId, outcome: 'rejected', reason });
  else if (target !== null) beginTransfer(state, leader, { target, transferId });
}

/** To a voter that was heard lately, as `bestTarget` names one; while no other transfer is under way. */
export function beginTransfer(
  state: RaftState,
  leader: LeaderState,
  options: Omit<Transfer, 'sinceTick'>,
): void {
  assert(leader.transfer === null, 'one transfer at a time');
  leader.transfer = { ...options, sinceTick: state.tick };
  continueTransfer(state, leader);
}

/** Tells the target to campaign once it holds the whole log durably. Repeated by heartbeats: it may be lost. */
export function continueTransfer(state: RaftState, leader: LeaderState): void {
  if (leader.transfer === null) return;
  const { target } = leader.transfer;
  if (!mayLead(state, target)) {
    abort(state, leader, `${target} is no voter any more`);
    return;
  }
  if (progressOf(leader, target).matchIndex !== state.log.lastIndex) return;
  leader.hasOfferedLeadership = true;
  state.send(target, { kind: 'timeout-now', term: state.term }, 'nothing');
}

export function tickTransfer(state: RaftState, leader: LeaderState): void {
  if (leader.transfer === null) return;
  const { target, sinceTick } = leader.transfer;
  if (state.tick - sinceTick < state.config.transferTicksMax) return;
  leader.offersUntaken.set(target, (leader.offersUntaken.get(target) ?? 0) + 1);
  abort(state, leader, `${target} did not take over within ${state.config.transferTicksMax} ticks`);
}

function abort(state: RaftState, leader: LeaderState, reason: string): void {
  const transferId = leader.transfer?.transferId ?? null;
  leader.transfer = null;
  end(state, { transferId, outcome: 'aborted', reason });
}

/** Leadership is gone. A higher term means that another took it, or is about to: that was asked for. */
export function endTransfer(
  state: RaftState,
  options: { readonly of: LeaderState; readonly isTermOver: boolean },
): void {
  const { transfer } = options.of;
  if (transfer === null) return;
  const { transferId } = transfer;
  options.of.transfer = null;
  if (options.isTermOver) {
    end(state, { transferId, outcome: 'handed-over', reason: 'a higher term was seen' });
  } else {
    const reason = 'this node gave up leadership before the target took over';
    end(state, { transferId, outcome: 'rejected', reason });
  }
}

/**
 * Of the voters heard within an election timeout: one that was not tried in vain rather than one that was; one that holds all that
 * is committed rather than one that must be sent it first; of those the most applied, whose MySQL can be promoted soonest. Never a witness, which has none.
 */
export function bestTarget(state: RaftState, leader: LeaderState): NodeId | null {
  const candidates = state.peers
    .filter((peer) => mayLead(state, peer) && wasHeardLately(state, leader, peer))
    .map((peer) => {
      const { matchIndex, appliedIndex } = progressOf(leader, peer);
      const lacks = matchIndex < state.log.commitIndex ? 1 : 0;
      const untaken = leader.offersUntaken.get(peer) ?? 0;
      return { peer, untaken, lacks, applied: appliedIndex ?? 0, matchIndex };
    })
    .sort(
      (one, other) =>
        one.untaken - other.untaken ||
        one.lacks - other.lacks ||
        other.applied - one.applied ||
        other.matchIndex - one.matchIndex,
    );
  return candidates[0]?.peer ?? null;
}

function refusalOf(state: RaftState, leader: LeaderState, target: NodeId | null): string | null {
  if (leader.transfer !== null) return `a transfer to ${leader.transfer.target} is under way`;
  if (target === null) return 'no other voter was heard lately';
  if (target === state.config.self) return `${target} leads already`;
  const progress = leader.followers.get(target);
  if (progress === undefined || !mayLead(state, target)) {
    return `${target} is no voter of this cluster`;
  }
  const isNew = progress.heardAtTick === null;
  const mayStillAnswer = isNew && state.tick - leader.sinceTick < state.config.electionTicksMin;
  if (mayStillAnswer || wasHeardLately(state, leader, target)) return null;
  return `${target} was not heard for an election timeout`;
}

/** By the newer configuration: who leaves is no successor, nor is who has no database. */
function mayLead(state: RaftState, id: NodeId): boolean {
  const { incoming } = state.memberships.current.membership;
  return memberOf({ incoming, outgoing: [] }, id)?.kind === 'voter';
}

function end(
  state: RaftState,
  how: Omit<Extract<Effect, { readonly kind: 'transfer-ended' }>, 'kind'>,
): void {
  state.emit({ kind: 'transfer-ended', ...how });
}

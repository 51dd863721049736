import { assert, assertNever } from '../../base/assert.ts';
import { unknownSizeShare } from './limits.ts';
import { isWithoutState, memberOf } from './membership.ts';
import type { Progress } from './progress.ts';
import type { LeaderState } from './role-state.ts';
import type { RaftState } from './state.ts';
import { type EntryId, type LogIndex, logIndex, type NodeId } from './types.ts';

// What a leader sends to whom. Every message names what stands before it, so a follower can tell a lost one.

export function progressOf(leader: LeaderState, peer: NodeId): Progress {
  const progress = leader.followers.get(peer);
  assert(progress !== undefined, `a leader knows how far ${peer} is`);
  return progress;
}

/** Whether it answered within an election timeout. */
export function wasHeardLately(state: RaftState, leader: LeaderState, peer: NodeId): boolean {
  const heardAtTick = leader.followers.get(peer)?.heardAtTick ?? null;
  return heardAtTick !== null && state.tick - heardAtTick < state.config.electionTicksMin;
}

/** Sends what each follower may get now. */
export function broadcastAppends(state: RaftState, leader: LeaderState): void {
  for (const peer of leader.followers.keys()) sendAppends(state, leader, peer);
}

/**
 * Sends new entries while the follower's window has room; one question only while probing. The leader's own
 * write goes on meanwhile (Raft thesis §10.2.1): it counts itself once that is durable.
 */
export function sendAppends(state: RaftState, leader: LeaderState, peer: NodeId): void {
  const progress = progressOf(leader, peer);
  const { mode } = progress;
  switch (mode.kind) {
    case 'snapshot':
      return;
    case 'probe':
      if (progress.nextIndex < state.log.firstIndex) offerSnapshot(state, leader, peer);
      else if (!mode.isAsked) sendProbe(state, leader, peer);
      return;
    case 'replicate':
      if (progress.nextIndex < state.log.firstIndex) {
        offerSnapshot(state, leader, peer);
        return;
      }
      while (!mode.window.isFull && progress.nextIndex <= state.log.lastIndex) {
        sendEntries(state, leader, peer);
      }
      return;
    default:
      assertNever(mode);
  }
}

/**
 * Offers again what was offered an election timeout ago: the message may be lost, the transfer may have failed, and there may be a
 * newer snapshot since.
 */
export function repeatOffers(state: RaftState, leader: LeaderState): void {
  for (const [peer, { mode }] of leader.followers) {
    if (mode.kind !== 'snapshot') continue;
    if (state.tick - mode.offeredAtTick >= state.config.electionTicksMin) {
      offerSnapshot(state, leader, peer);
    }
  }
}

/** What the follower needs next is no longer in the log (Raft thesis §5.1). */
function offerSnapshot(state: RaftState, leader: LeaderState, peer: NodeId): void {
  const coversAtLeast = state.log.base.index;
  progressOf(leader, peer).offered({ coversAtLeast, tick: state.tick });
  const member = memberOf(state.memberships.current.membership, peer);
  const logBase = member !== null && isWithoutState(member) ? state.log.snapshot : null;
  state.emit({ kind: 'send-snapshot', to: peer, term: state.term, coversAtLeast, logBase });
}

/**
 * Says that this node leads, up to where it is committed, and which round is open. It names the newest entry
 * sent, so a follower that lost one answers with a conflict: a lost append costs a heartbeat, not an election. Where that is
 * compacted away it names the oldest it can: a follower that needs a snapshot is heard, too.
 */
export function sendHeartbeat(state: RaftState, leader: LeaderState, peer: NodeId): void {
  const progress = progressOf(leader, peer);
  progress.sentCommitIndex = state.log.commitIndex;
  state.send(
    peer,
    {
      kind: 'append-request',
      term: state.term,
      previous: previousOf(state, progress),
      entries: [],
      commitIndex: state.log.commitIndex,
      readRound: leader.reads.opened,
    },
    'nothing',
  );
}

export function broadcastHeartbeats(state: RaftState, leader: LeaderState): void {
  leader.ticksSinceHeartbeat = 0;
  for (const peer of leader.followers.keys()) sendHeartbeat(state, leader, peer);
}

/**
 * Tells followers of commits that no append has carried yet. Once per tick: under load the next append carries it anyway, and
 * an idle cluster learns within a tick.
 */
export function broadcastCommitNews(state: RaftState, leader: LeaderState): void {
  for (const [peer, progress] of leader.followers) {
    const isNews = progress.sentCommitIndex < state.log.commitIndex;
    if (isNews && progress.mode.kind === 'replicate') sendHeartbeat(state, leader, peer);
  }
}

function previousOf({ log }: RaftState, progress: Progress): EntryId {
  return progress.previousIndex < log.base.index ? log.base : log.idAt(progress.previousIndex);
}

/** A probe with entries, if there are any: when the logs agree, as they mostly do, no round trip is lost. */
function sendProbe(state: RaftState, leader: LeaderState, peer: NodeId): void {
  const progress = progressOf(leader, peer);
  if (progress.nextIndex <= state.log.lastIndex) {
    sendEntries(state, leader, peer);
    return;
  }
  sendHeartbeat(state, leader, peer);
  progress.sent({ lastIndex: progress.previousIndex, bytes: 0 });
}

function sendEntries(state: RaftState, leader: LeaderState, peer: NodeId): void {
  const progress = progressOf(leader, peer);
  const firstIndex = progress.nextIndex;
  const { lastIndex, bytes } = cutAppend(state, firstIndex);
  progress.sentCommitIndex = state.log.commitIndex;
  state.emit({
    kind: 'send-entries',
    to: peer,
    term: state.term,
    previous: state.log.idAt(progress.previousIndex),
    firstIndex,
    lastIndex,
    commitIndex: state.log.commitIndex,
    readRound: leader.reads.opened,
  });
  progress.sent({ lastIndex, bytes });
}

/** How far an append that begins at `firstIndex` reaches: at least one entry, within the limits. */
function cutAppend(
  state: RaftState,
  firstIndex: LogIndex,
): { readonly lastIndex: LogIndex; readonly bytes: number } {
  const { appendEntriesMax, appendBytesMax } = state.config;
  const unknownBytes = Math.ceil(appendBytesMax / unknownSizeShare);
  const end = Math.min(firstIndex + appendEntriesMax - 1, state.log.lastIndex);
  let bytes = state.log.costAt(firstIndex, unknownBytes);
  let last: number = firstIndex;
  while (last < end) {
    const cost = state.log.costAt(last + 1, unknownBytes);
    if (bytes + cost > appendBytesMax) break;
    bytes += cost;
    last += 1;
  }
  return { lastIndex: logIndex(last), bytes };
}

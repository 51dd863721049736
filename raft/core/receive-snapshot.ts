import type { InstallSnapshot } from './messages.ts';
import { followLeader, isFromRightfulLeader, respondMatched } from './receive-append.ts';
import { becomeFollower } from './roles.ts';
import type { SnapshotMeta } from './snapshot.ts';
import type { RaftState } from './state.ts';
import type { NodeId } from './types.ts';

// A snapshot at a follower (Raft thesis figure 5.3). Raft carries what it is of; the shell fetches what is in it.

/**
 * Fetches it, unless the log has what it covers: then the entries stay, and those it covers are committed (figure 5.3, step 6).
 */
export function receiveInstallSnapshot(
  state: RaftState,
  from: NodeId,
  message: InstallSnapshot,
): void {
  if (message.term < state.term) {
    // The answer's term is what matters: the sender no longer leads.
    respondMatched(state, from, state.log.base.index);
    return;
  }
  const { meta } = message;
  const isPossible = meta.last.term >= 1 && meta.last.term <= message.term;
  if (!isFromRightfulLeader(state, from, message) || !isPossible) {
    state.refusedMessages += 1;
    return;
  }
  followLeader(state, from, message.term);
  if (isCovered(state, meta)) {
    takeAsCommitted(state, meta);
    respondMatched(state, from, meta.last.index);
    return;
  }
  // It has no state: what the snapshot is of is all it needs.
  if (state.isStateless) {
    receiveSnapshotInstalled(state, meta);
    return;
  }
  // What is under way is nearer to its end than what would begin now, and whoever sends it need not lead for that.
  if (state.fetching !== null) return;
  state.fetching = meta;
  state.emit({ kind: 'fetch-snapshot', from, meta });
}

/**
 * The state is in place, durably. Now the log may go: were it the other way round, a crash between the two would leave neither. The
 * leader hears of it once that is durable as well.
 */
export function receiveSnapshotInstalled(state: RaftState, meta: SnapshotMeta): void {
  endFetch(state, meta);
  state.log.reportApplied(meta.last.index);
  if (isCovered(state, meta)) {
    takeAsCommitted(state, meta);
  } else {
    // What it covers is committed, whoever sent it, so no campaign that began with less can be won.
    if (state.role.kind !== 'follower') becomeFollower(state, { term: state.term, leaderId: null });
    state.resetTo(meta);
  }
  if (state.role.kind === 'follower' && state.leaderId !== null) {
    respondMatched(state, state.leaderId, meta.last.index);
  }
}

export function receiveSnapshotFailed(state: RaftState, meta: SnapshotMeta): void {
  endFetch(state, meta);
}

function endFetch(state: RaftState, meta: SnapshotMeta): void {
  if (state.fetching !== null && isSameSnapshot(state.fetching, meta)) state.fetching = null;
}

/** Whether the log has all that the snapshot covers, or had it before it was compacted. */
function isCovered(state: RaftState, { last }: SnapshotMeta): boolean {
  return last.index <= state.log.commitIndex || state.log.holds(last);
}

/** A leader commits only by counting (HAZARDS R10): it holds all that is committed, and will find out by itself. */
function takeAsCommitted(state: RaftState, { last }: SnapshotMeta): void {
  if (state.leader === null) state.commitTo(last.index);
}

function isSameSnapshot(left: SnapshotMeta, right: SnapshotMeta): boolean {
  return left.last.index === right.last.index && left.last.term === right.last.term;
}

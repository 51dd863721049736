import type { NodeState } from './node-state.ts';
import { entryOf, termOfEntry } from './node-state.ts';

// A Raft small enough to explore: terms, logs, elections, truncation, commit. What it leaves out and why is in DESIGN.md.

/** What the role machine and the tail are told, as `Bridge.#onRaft` makes it from `RaftStatus`. */
export interface RaftView {
  readonly isLeader: boolean;
  readonly term: number;
  readonly isLeaderReady: boolean;
  readonly isTailDecided: boolean;
}

export function viewOf(node: NodeState, isOwnTermUndecided = false): RaftView {
  const { isLeader, term, commitIndex, hasLeader, log } = node;
  const isOfThisTerm = commitIndex > 0 && termOfEntry(log[commitIndex - 1] ?? 0) === term;
  const isAllCommitted = commitIndex === log.length || isOwnTermUndecided;
  return {
    isLeader,
    term,
    // Terms of entries never go back, so an entry of this term is committed when the no-op at their head is.
    isLeaderReady: isLeader && isOfThisTerm,
    // `isBinlogTailDecided` of the bridge.
    isTailDecided: hasLeader && isOfThisTerm && (!isLeader || isAllCommitted),
  };
}

/** Raft thesis §3.6.1: the later last term, or the same and at least as long. */
export function isUpToDate(candidate: NodeState, voter: NodeState): boolean {
  const own = termOfEntry(candidate.log.at(-1) ?? 0);
  const theirs = termOfEntry(voter.log.at(-1) ?? 0);
  return own > theirs || (own === theirs && candidate.log.length >= voter.log.length);
}

/** In a term above its own, and knowing no leader of it. */
export function adoptTerm(node: NodeState, term: number): void {
  node.term = term;
  node.isLeader = false;
  node.hasLeader = false;
  node.confirmed = [];
}

/** Leads in its present term, with the no-op of that term in its log. */
export function lead(node: NodeState, options: { self: number; nodes: number }): void {
  node.isLeader = true;
  node.hasLeader = true;
  node.confirmed = Array.from({ length: options.nodes }, () => 0);
  appendOwn(node, { entry: entryOf(node.term, 0), self: options.self });
}

export function appendOwn(node: NodeState, options: { entry: number; self: number }): void {
  node.log = [...node.log, options.entry];
  confirm(node, options.self);
}

/** A node holds all of the leader's log. */
export function confirm(leader: NodeState, position: number): void {
  leader.confirmed = leader.confirmed.with(position, leader.log.length);
}

export function stepDown(node: NodeState): void {
  node.isLeader = false;
  node.hasLeader = false;
  node.confirmed = [];
}

export function canFollow(node: NodeState, leader: NodeState): boolean {
  return node.term < leader.term || (node.term === leader.term && !node.isLeader);
}

/** AppendEntries with everything the leader has: the log becomes equal to its, a contradicting tail is gone. */
export function followLeader(node: NodeState, leader: NodeState): void {
  if (node.term < leader.term) adoptTerm(node, leader.term);
  node.hasLeader = true;
  node.log = leader.log;
  node.commitIndex = Math.max(node.commitIndex, leader.commitIndex);
}

/** How far a leader may commit by what was confirmed to it: own-term entries on a majority (Raft thesis §3.6.2). */
export function committableIndex(node: NodeState): number {
  if (!node.isLeader) return node.commitIndex;
  const majority = Math.floor(node.confirmed.length / 2) + 1;
  const reached = node.confirmed.toSorted((a, b) => b - a)[majority - 1] ?? 0;
  const isOwnTerm = reached > 0 && termOfEntry(node.log[reached - 1] ?? 0) === node.term;
  return isOwnTerm ? Math.max(reached, node.commitIndex) : node.commitIndex;
}

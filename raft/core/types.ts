import { assert } from '../../base/assert.ts';
import type { Brand } from '../../base/brand.ts';

/** Names a node for ever: `n1`, `n2`, … Lower-case letters, digits and dashes, at most 32. */
export type NodeId = Brand<string, 'NodeId'>;
/** Raft election number; 0 before the first election (Raft thesis §3.3). */
export type Term = Brand<number, 'Term'>;
/** Place in the Raft log, from 1; 0 = before the first entry. */
export type LogIndex = Brand<number, 'LogIndex'>;

const nodeIdPattern = /^[a-z0-9][a-z0-9-]{0,31}$/;

export function isNodeId(text: string): boolean {
  return nodeIdPattern.test(text);
}

export function nodeId(text: string): NodeId {
  assert(isNodeId(text), `${JSON.stringify(text)} is no node id`);
  return text as NodeId;
}

export function term(value: number): Term {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is no term`);
  return value as Term;
}

export function logIndex(value: number): LogIndex {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is no log index`);
  return value as LogIndex;
}

/** Names an entry for ever (Log Matching, Raft thesis §3.5). `{0, 0}` stands before the first. */
export interface EntryId {
  readonly term: Term;
  readonly index: LogIndex;
}

/** Raft roles; MySQL's are primary and replica (docs/glossary.md). */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What must survive a crash besides the log (Raft thesis figure 3.1); written in one synced batch with entries. */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
}

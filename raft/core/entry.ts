import type { LogIndex, Term } from './types.ts';

/**
 * What an entry is to Raft. `data` payloads are opaque here; a `membership` payload is a configuration, in effect from the
 * moment it is appended.
 */
export const EntryKind = { noOp: 0, data: 1, membership: 2 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** A record of the Raft log. Immutable once appended. */
export interface Entry {
  readonly term: Term;
  readonly index: LogIndex;
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
}

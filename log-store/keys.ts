import { type LogIndex, logIndex } from '../raft/core/types.ts';

/**
 * Keys are one byte of kind, then a big-endian index, so that the order of bytes is the order of the log. The
 * few records that are not entries stand behind them: a file of newest entries then overlaps only the end of the
 * key space, not the whole log, and is not merged with all of it.
 *
 * ```text
 * 0x10 index:u64   an entry
 * 0x20 index:u64   the first index of a term
 * 0x30             the state of the log, rewritten by every batch
 * 0x38             what takes the place of the entries that were compacted away
 * 0x40             whose log this is
 * ```
 */
const entryKind = 0x10;
const termRunKind = 0x20;
const halfBits = 32;

export const stateKey: Uint8Array = Uint8Array.of(0x30);
export const snapshotKey: Uint8Array = Uint8Array.of(0x38);
export const identityKey: Uint8Array = Uint8Array.of(0x40);

/** All keys of a kind: `gte` inclusive, `lt` exclusive. */
export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

export const entryKeys: KeyRange = wholeKind(entryKind);
export const termRunKeys: KeyRange = wholeKind(termRunKind);
/** Everything this format knows; a key outside is not ours. */
export const allKeys: KeyRange = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };

export function entryKey(index: LogIndex): Uint8Array {
  return indexedKey(entryKind, index);
}

export function termRunKey(firstIndex: LogIndex): Uint8Array {
  return indexedKey(termRunKind, firstIndex);
}

/** The index in an entry's key, or null if no entry can have this key. */
export function entryKeyIndex(key: Uint8Array): LogIndex | null {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  if (key.length !== 9 || view.getUint8(0) !== entryKind) return null;
  const index = view.getUint32(1) * 2 ** halfBits + view.getUint32(5);
  return Number.isSafeInteger(index) && index > 0 ? logIndex(index) : null;
}

function indexedKey(kind: number, index: LogIndex): Uint8Array {
  const key = new Uint8Array(9);
  const view = new DataView(key.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, Math.floor(index / 2 ** halfBits));
  view.setUint32(5, index >>> 0);
  return key;
}

function wholeKind(kind: number): KeyRange {
  return { gte: Uint8Array.of(kind), lt: Uint8Array.of(kind + 1) };
}

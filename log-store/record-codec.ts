import { crc32c } from '../base/crc32c.ts';
import { type Entry, EntryKind } from '../raft/core/entry.ts';
import { type LogIndex, logIndex, term } from '../raft/core/types.ts';

/**
 * How an entry lies on disk, all numbers little-endian:
 *
 * ```text
 *  0  u8   version, 1          8  u64  term
 *  1  u8   kind               16  u64  index
 *  2  u16  zero               24  u32  checksum of the record before it in the log (0 for none)
 *  4  u32  payload length     28  u32  CRC-32C of bytes 0..27 and the payload
 *                             32  payload
 * ```
 *
 * The checksum of the record before makes a chain: a record that is whole, but stands where a later write should have
 * replaced it, does not fit its neighbour.
 */
const recordVersion = 1;
const headerLength = 32;
const checksumOffset = 28;
const kinds = Object.values(EntryKind);

/** What stands in place of a checksum before the first entry. */
export const chainStart = 0;

export interface EncodedRecord {
  readonly bytes: Uint8Array;
  readonly checksum: number;
}

export interface DecodedRecord {
  readonly entry: Entry;
  readonly checksum: number;
  readonly previousChecksum: number;
}

export type RecordResult =
  | { readonly kind: 'record'; readonly record: DecodedRecord }
  | { readonly kind: 'damaged'; readonly reason: string };

export function encodeRecord(entry: Entry, previousChecksum: number): EncodedRecord {
  const bytes = new Uint8Array(headerLength + entry.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, recordVersion);
  view.setUint8(1, entry.kind);
  view.setUint32(4, entry.payload.length, true);
  setSafeInteger(view, 8, entry.term);
  setSafeInteger(view, 16, entry.index);
  view.setUint32(24, previousChecksum, true);
  bytes.set(entry.payload, headerLength);
  const checksum = checksumOf(bytes);
  view.setUint32(checksumOffset, checksum, true);
  return { bytes, checksum };
}

/** Reads the record that was stored for `index`; damage of any kind is an answer, with its reason. */
export function decodeRecord(bytes: Uint8Array, index: LogIndex): RecordResult {
  if (bytes.length < headerLength) {
    return damaged(`the record has ${bytes.length} bytes, its header alone has ${headerLength}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(0);
  const length = view.getUint32(4, true);
  if (bytes.length - headerLength !== length) {
    return damaged(
      `the header says ${length} payload bytes, ${bytes.length - headerLength} follow`,
    );
  }
  const stored = view.getUint32(checksumOffset, true);
  const checksum = checksumOf(bytes);
  if (stored !== checksum) {
    return damaged(`its checksum is ${hex(checksum)}, ${hex(stored)} was stored`);
  }
  // Past the checksum this is what some process wrote: a newer version, or a record under a wrong key.
  if (version !== recordVersion) return damaged(`record version ${version} is unknown here`);
  const kind = kinds.find((known) => known === view.getUint8(1));
  if (kind === undefined) return damaged(`entry kind ${view.getUint8(1)} is unknown here`);
  const entryTerm = getSafeInteger(view, 8);
  const entryIndex = getSafeInteger(view, 16);
  if (entryIndex !== index) return damaged(`it is missing, entry ${entryIndex} is in its place`);
  if (!Number.isSafeInteger(entryTerm)) return damaged(`its term ${entryTerm} is no term`);
  return {
    kind: 'record',
    record: {
      entry: {
        term: term(entryTerm),
        index: logIndex(entryIndex),
        kind,
        payload: plainBytes(bytes, headerLength),
      },
      checksum,
      previousChecksum: view.getUint32(24, true),
    },
  };
}

/** Without the methods of Node's `Buffer`, some of which mean something else than those of `Uint8Array`. */
function plainBytes(bytes: Uint8Array, offset: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
}

function checksumOf(bytes: Uint8Array): number {
  return crc32c(bytes.subarray(headerLength), crc32c(bytes.subarray(0, checksumOffset)));
}

function damaged(reason: string): RecordResult {
  return { kind: 'damaged', reason };
}

function hex(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, '0')}`;
}

function setSafeInteger(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

function getSafeInteger(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

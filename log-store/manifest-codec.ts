import { BytesError, concatBytes } from '../base/bytes.ts';
import { checkMasked, VarintReader } from './table-codec.ts';

/** LevelDB's doc/log_format.md: records are cut into fragments that never cross a border of 32 KiB. */
const logBlockLength = 32 * 1024;
const fragmentHeaderLength = 7;
const fragment = { full: 1, first: 2, middle: 3, last: 4 } as const;

/** Fields of a version edit, by their tags. */
const tag = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

/** Numbers of the tables that a manifest says are part of the database. Throws `BytesError` on damage. */
export function decodeLiveTables(manifest: Uint8Array): Set<number> {
  const live = new Set<number>();
  for (const record of logRecords(manifest)) applyEdit(new VarintReader(record), live);
  return live;
}

function applyEdit(edit: VarintReader, live: Set<number>): void {
  while (edit.left > 0) {
    const field = edit.integer();
    switch (field) {
      case tag.comparator:
        edit.slice();
        break;
      case tag.logNumber:
      case tag.nextFileNumber:
      case tag.lastSequence:
      case tag.previousLogNumber:
        edit.integer();
        break;
      case tag.compactPointer:
        edit.integer();
        edit.slice();
        break;
      case tag.deletedFile:
        edit.integer();
        live.delete(edit.integer());
        break;
      case tag.newFile:
        edit.integer();
        live.add(edit.integer());
        edit.integer();
        edit.slice();
        edit.slice();
        break;
      default:
        throw new BytesError(`field ${field} of a version edit is unknown here`);
    }
  }
}

/** Whole records of a log file; one that the file ends in the midst of was never finished. */
function* logRecords(bytes: Uint8Array): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for (let offset = 0; offset + fragmentHeaderLength <= bytes.length; ) {
    const leftInBlock = logBlockLength - (offset % logBlockLength);
    if (leftInBlock < fragmentHeaderLength) {
      offset += leftInBlock;
      continue;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, fragmentHeaderLength);
    const end = offset + fragmentHeaderLength + view.getUint16(4, true);
    if (end > bytes.length) return;
    checkMasked(bytes.subarray(offset + 6, end), bytes.subarray(offset, offset + 4));
    const kind = view.getUint8(6);
    if (kind === fragment.full || kind === fragment.first) parts = [];
    parts.push(bytes.subarray(offset + fragmentHeaderLength, end));
    if (kind === fragment.full || kind === fragment.last) yield concatBytes(parts);
    offset = end;
  }
}

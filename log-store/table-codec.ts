import { BytesError } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';

/**
 * As much of LevelDB's file formats as a check needs that does not go through the engine: the engine believes the blocks of
 * its tables, and a damaged key in one ends the process inside native code instead of with an error. Sources: LevelDB's
 * doc/table_format.md and doc/log_format.md.
 */
export const footerLength = 48;
/** Behind each block: one byte of compression, four of checksum. */
export const blockTrailerLength = 5;
const checksumLength = 4;
const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
const maskDelta = 0xa282ead8;

/** Where a block lies in its table; its trailer follows. */
export interface BlockHandle {
  readonly offset: number;
  readonly length: number;
}

/** An entry of a table's index: a block, and a key not below the last one in it. */
export interface IndexEntry {
  readonly key: Uint8Array;
  readonly block: BlockHandle;
}

/** Reads LevelDB's variable-length integers and the slices they lead. Throws `BytesError` past the end. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  integer(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 56; scale *= 2 ** 7) {
      const byte = this.#bytes[this.#offset];
      if (byte === undefined) throw new BytesError('an integer is cut off');
      this.#offset += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw new BytesError('an integer is too large');
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw new BytesError(`${length} bytes needed, ${this.left} left`);
    const start = this.#offset;
    this.#offset += length;
    return this.#bytes.subarray(start, this.#offset);
  }

  slice(): Uint8Array {
    return this.bytes(this.integer());
  }
}

/** The two blocks that a table's last bytes point to. */
export function decodeFooter(bytes: Uint8Array): {
  readonly metaindex: BlockHandle;
  readonly index: BlockHandle;
} {
  const tail = bytes.subarray(footerLength - magic.length);
  if (bytes.length !== footerLength || magic.some((byte, at) => tail[at] !== byte)) {
    throw new BytesError('its end is not the end of a table');
  }
  const reader = new VarintReader(bytes);
  return { metaindex: decodeHandle(reader), index: decodeHandle(reader) };
}

/** Entries of an index block, whose checksum has been checked. */
export function decodeIndex(block: Uint8Array): IndexEntry[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (block.length < 4) throw new BytesError('its index has no end');
  const restartCount = view.getUint32(block.length - 4, true);
  const reader = new VarintReader(block.subarray(0, block.length - 4 * (1 + restartCount)));
  const entries: IndexEntry[] = [];
  let key: Uint8Array = new Uint8Array(0);
  while (reader.left > 0) {
    const sharedLength = reader.integer();
    const ownLength = reader.integer();
    const valueLength = reader.integer();
    if (sharedLength > key.length) throw new BytesError('a key in its index has no beginning');
    key = Uint8Array.of(...key.subarray(0, sharedLength), ...reader.bytes(ownLength));
    entries.push({ key, block: decodeHandle(new VarintReader(reader.bytes(valueLength))) });
  }
  return entries;
}

/** Checks a block with its trailer; answers with its content. */
export function checkBlock(bytes: Uint8Array): Uint8Array {
  const checked = bytes.subarray(0, bytes.length - checksumLength);
  checkMasked(checked, bytes.subarray(bytes.length - checksumLength));
  return bytes.subarray(0, bytes.length - blockTrailerLength);
}

/** LevelDB stores checksums masked, because they may lie inside what is checksummed again. */
export function checkMasked(checked: Uint8Array, stored: Uint8Array): void {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const rotated = (view.getUint32(0, true) - maskDelta) >>> 0;
  const expected = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  const checksum = crc32c(checked);
  if (checksum === expected) return;
  throw new BytesError(`checksum is ${checksum.toString(16)}, ${expected.toString(16)} was stored`);
}

function decodeHandle(reader: VarintReader): BlockHandle {
  return { offset: reader.integer(), length: reader.integer() };
}

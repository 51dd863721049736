/** Castagnoli's polynomial 0x1EDC6F41, bits reversed (RFC 3720, appendix B.4). */
const polynomial = 0x82f63b78;
const sliceCount = 8;

/**
 * `tables[256 * slice + byte]` is the remainder of `byte` followed by `slice` zero bytes: with eight of them, eight input
 * bytes are taken per step instead of one ("slicing-by-8", Kounavis and Berry 2005).
 */
const tables: Uint32Array = buildTables();

/**
 * CRC-32C of `bytes`, continuing from `previous`. Unlike CRC-32 it has a Hamming distance of 4 up to 256 MiB, which is
 * why storage formats use it; Node has no native one.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let remainder = ~previous;
  let offset = 0;
  const end = bytes.length;
  for (const blocksEnd = end - (end % sliceCount); offset < blocksEnd; offset += sliceCount) {
    const low =
      remainder ^
      (at(bytes, offset) |
        (at(bytes, offset + 1) << 8) |
        (at(bytes, offset + 2) << 16) |
        (at(bytes, offset + 3) << 24));
    remainder =
      at(tables, 0x700 | (low & 0xff)) ^
      at(tables, 0x600 | ((low >>> 8) & 0xff)) ^
      at(tables, 0x500 | ((low >>> 16) & 0xff)) ^
      at(tables, 0x400 | (low >>> 24)) ^
      at(tables, 0x300 | at(bytes, offset + 4)) ^
      at(tables, 0x200 | at(bytes, offset + 5)) ^
      at(tables, 0x100 | at(bytes, offset + 6)) ^
      at(tables, at(bytes, offset + 7));
  }
  for (; offset < end; offset += 1) {
    remainder = (remainder >>> 8) ^ at(tables, (remainder ^ at(bytes, offset)) & 0xff);
  }
  return ~remainder >>> 0;
}

/** All indexes above are in range by construction; the fallback only satisfies the type and is never taken. */
function at(numbers: Uint8Array | Uint32Array, index: number): number {
  return numbers[index] ?? 0;
}

function buildTables(): Uint32Array {
  const built = new Uint32Array(256 * sliceCount);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
    }
    built[byte] = remainder;
  }
  for (let entry = 256; entry < built.length; entry += 1) {
    const shorter = built[entry - 256] ?? 0;
    built[entry] = (shorter >>> 8) ^ (built[shorter & 0xff] ?? 0);
  }
  return built;
}

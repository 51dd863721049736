import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * CRC-32 (IEEE 802.3) of `bytes`, continuing from `previous`. Deterministic, so pure folders may use it; it
 * is zlib's because that is several times faster than tables in JavaScript.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return zlibCrc32(bytes, previous);
}

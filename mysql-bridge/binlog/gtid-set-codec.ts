import { type ByteReader, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import { gtidNumberMax, isGtidTag } from './gtid.ts';
import type { GtidInterval } from './gtid-intervals.ts';
import { decodeServerUuid, encodeServerUuid, serverUuidBytes } from './server-uuid.ts';
import { readVarlenNumber, writeVarlen } from './varlen-integer.ts';

// A GTID set as COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS carry it; integers little-endian.
//
//   untagged, all versions                  tagged, MySQL 8.3 and later, only when a tag is present
//   0  8  number of sources n               0  1  0x01
//                                           1  6  number of sources n
//                                           7  1  0x01
//   then n times                            then n times
//      16 server uuid                          16 server uuid
//                                               v length of the tag, as a variable-length integer, and the tag
//       8 number of intervals m                 8 number of intervals m
//      then m times                            then m times
//          8 first                                 8 first
//          8 last + 1                              8 last + 1

const taggedFormat = 1n;

/** The transactions of one server under one tag. */
export interface GtidSource {
  readonly serverUuid: string;
  readonly tag: string;
  readonly intervals: readonly GtidInterval[];
}

/** Writes sources in the order given; MySQL's order is by UUID, then tag. */
export function encodeGtidSources(sources: readonly GtidSource[]): Uint8Array {
  const isTagged = sources.some(({ tag }) => tag !== '');
  const writer = new ByteWriter();
  const count = BigInt(sources.length);
  writer.u64(isTagged ? (taggedFormat << 56n) | (count << 8n) | taggedFormat : count);
  for (const { serverUuid, tag, intervals } of sources) {
    writer.bytes(encodeServerUuid(serverUuid));
    if (isTagged) {
      const name = utf8(tag);
      writeVarlen(writer, BigInt(name.length));
      writer.bytes(name);
    }
    writer.u64(BigInt(intervals.length));
    for (const { first, last } of intervals) writer.u64(first).u64(last + 1n);
  }
  return writer.finish();
}

/** Reads sources up to the end of `reader`; throws `BinlogError` MYSQL_GTID_SET_MALFORMED. */
export function decodeGtidSources(reader: ByteReader): readonly GtidSource[] {
  return decodeWith({ code: 'MYSQL_GTID_SET_MALFORMED', what: 'encoded gtid set' }, () => {
    const { count, isTagged } = decodeHead(reader.u64());
    const sources: GtidSource[] = [];
    // A count past what the bytes can hold runs out of bytes at once.
    for (let index = 0n; index < count; index += 1n) sources.push(decodeSource(reader, isTagged));
    if (reader.left > 0) throw malformed(`${reader.left} bytes follow the last source`);
    return sources;
  });
}

function decodeHead(word: bigint): { readonly count: bigint; readonly isTagged: boolean } {
  const format = word >> 56n;
  if (format === 0n) return { count: word, isTagged: false };
  if (format !== taggedFormat) throw malformed(`format ${format} is unknown`);
  return { count: (word >> 8n) & 0xffff_ffff_ffffn, isTagged: true };
}

function decodeSource(reader: ByteReader, isTagged: boolean): GtidSource {
  const serverUuid = decodeServerUuid(reader.bytes(serverUuidBytes));
  const tag = isTagged ? fromUtf8(reader.bytes(readVarlenNumber(reader))) : '';
  if (tag !== '' && !isGtidTag(tag)) throw malformed(`${JSON.stringify(tag)} is no tag`);
  const count = reader.u64();
  const intervals: GtidInterval[] = [];
  let previousEnd = 0n;
  for (let index = 0n; index < count; index += 1n) {
    const first = reader.u64();
    const end = reader.u64();
    if (first <= previousEnd || end <= first || end > gtidNumberMax + 1n) {
      throw malformed(`interval ${first}-${end - 1n} after ${previousEnd - 1n}`);
    }
    intervals.push({ first, last: end - 1n });
    previousEnd = end;
  }
  return { serverUuid, tag, intervals };
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_GTID_SET_MALFORMED', `encoded gtid set: ${reason}`);
}

import { assert } from '../../base/assert.ts';
import { ByteReader, BytesError, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import type { BinlogPosition } from '../binlog/position.ts';
import { semisyncMagic } from './semisync-header.ts';

// A replica's answer, as one packet with sequence id 0 (MySQL source, plugin semisync, `ReplSemiSyncReplica::slaveReply`).
//
//   0  1  0xEF
//   1  8  offset
//   9     name of the binlog file, to the end
//
// It is cumulative: it releases every commit at or before the position.

/** `FN_REFLEN`: the source refuses an ack with a longer file name. */
const fileNameBytesMax = 512;

export function encodeSemisyncAck({ file, offset }: BinlogPosition): Uint8Array {
  const name = utf8(file);
  assert(name.length > 0 && name.length < fileNameBytesMax, `${name.length} bytes of file name`);
  return new ByteWriter(9 + name.length).u8(semisyncMagic).u64(offset).bytes(name).finish();
}

/** Null when the bytes are no ack. */
export function decodeSemisyncAck(bytes: Uint8Array): BinlogPosition | null {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== semisyncMagic) return null;
    const offset = reader.u64();
    const name = reader.rest();
    if (name.length === 0 || name.length >= fileNameBytesMax) return null;
    return { file: fromUtf8(name), offset };
  } catch (thrown) {
    if (thrown instanceof BytesError) return null;
    throw thrown;
  }
}

import { BytesError, concatBytes } from '../../base/bytes.ts';
import { BinlogError } from './binlog-error.ts';
import { decodeEvent } from './event-codec.ts';
import { decodeEventHeader, eventHeaderBytes } from './event-header.ts';
import { EventType } from './event-types.ts';
import type { Gtid } from './gtid.ts';
import { controlEventBytesMax } from './transaction-boundary.ts';

const typeOffset = 4;

/**
 * Looks for GTID events in bytes that cannot be read in order, such as what follows a damaged event: at every offset, by
 * type, size and checksum. A 32-bit checksum and the header make a false find as good as impossible.
 */
export class GtidSearch {
  #held: Uint8Array = new Uint8Array();

  /** Takes the next bytes; answers the GTIDs found. Holds less than the largest GTID event. */
  push(chunk: Uint8Array): readonly Gtid[] {
    const bytes = concatBytes([this.#held, chunk]);
    const searchable = Math.max(0, bytes.length - controlEventBytesMax);
    const found = gtidsIn(bytes, searchable);
    this.#held = bytes.slice(searchable);
    return found;
  }

  /** The GTIDs in the bytes that were held back for what might have followed. */
  finish(): readonly Gtid[] {
    const found = gtidsIn(this.#held, this.#held.length);
    this.#held = new Uint8Array();
    return found;
  }
}

function gtidsIn(bytes: Uint8Array, end: number): readonly Gtid[] {
  const found: Gtid[] = [];
  for (let offset = 0; offset < end; offset += 1) {
    const type = bytes[offset + typeOffset];
    if (type !== EventType.gtid && type !== EventType.gtidTagged) continue;
    const gtid = gtidAt(bytes, offset);
    if (gtid !== null) found.push(gtid);
  }
  return found;
}

function gtidAt(bytes: Uint8Array, offset: number): Gtid | null {
  if (bytes.length - offset < eventHeaderBytes) return null;
  try {
    const { eventSize } = decodeEventHeader(bytes, offset);
    if (eventSize > controlEventBytesMax || offset + eventSize > bytes.length) return null;
    const { body } = decodeEvent(bytes.subarray(offset, offset + eventSize));
    return body.kind === 'gtid' ? body.gtid : null;
  } catch (thrown) {
    if (thrown instanceof BytesError || thrown instanceof BinlogError) return null;
    throw thrown;
  }
}

import { utf8 } from '../../../base/bytes.ts';
import { crc32 } from '../../../base/crc32.ts';
import { eventChecksumBytes, eventHeaderBytes } from '../../../mysql-bridge/binlog/event-header.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { type SchemaChange, schemaChangeText, simSchema } from './sql-text.ts';

// Binlog events as MySQL 9.7 writes them. Written by hand and not with the product's codec: that one is under test, and a
// simulation writes some hundred thousand transactions a second.

/** One row, before and after; null where there is none. */
export interface RowEdit {
  readonly table: string;
  readonly key: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What a transaction changes: rows, or one schema object. */
export interface TransactionContent {
  readonly edits: readonly RowEdit[];
  readonly schemaChange: SchemaChange | null;
}

/** What the binlog adds to it. */
export interface TransactionStamp {
  readonly serverId: number;
  readonly timestampSeconds: number;
  /** 16 bytes. */
  readonly serverUuid: Uint8Array;
  readonly number: number;
  readonly lastCommitted: number;
  readonly sequenceNumber: number;
  /** Names the engine's transaction to crash recovery. */
  readonly xid: number;
  /** Where in the file the transaction begins. */
  readonly offset: number;
}

/** `binlog_row_event_max_size`: rows beyond it go into another event. */
const rowsEventBytesMax = 8192;
const serverVersion = 90_704;
const gtidFixedBytes = eventHeaderBytes + 1 + 16 + 8 + 1 + 8 + 8 + 7 + 4 + eventChecksumBytes;
const suppressUse = 0x8;
const ddlXidStatus = 0x11;

// Flags2, SQL mode, catalog, character sets: as captured from MySQL 9.7.4.
const statusVariables = Uint8Array.of(
  ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x00, 0xa0, 0x45, 0x00, 0x00, 0x00, 0x00],
  ...[0x06, 0x03, 0x73, 0x74, 0x64, 0x04, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0x12, 0xff, 0x00],
);
const schemaBytes = utf8(simSchema);
const begin = utf8('BEGIN');

/** A growing buffer in which events are closed one after the other. */
class EventBuffer {
  bytes: Uint8Array = new Uint8Array(64 * 1024);
  view: DataView = new DataView(this.bytes.buffer);
  length = 0;
  #eventAt = 0;

  need(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  open(type: number, stamp: TransactionStamp, flags: number): void {
    this.need(eventHeaderBytes);
    const { view, length: at } = this;
    this.#eventAt = at;
    view.setUint32(at, stamp.timestampSeconds, true);
    view.setUint8(at + 4, type);
    view.setUint32(at + 5, stamp.serverId, true);
    view.setUint16(at + 17, flags, true);
    this.length = at + eventHeaderBytes;
  }

  get eventBytes(): number {
    return this.length - this.#eventAt;
  }

  /** Sets size, place in the file and checksum. */
  close(fileOffset: number): void {
    this.need(eventChecksumBytes);
    const { view } = this;
    const at = this.#eventAt;
    const end = this.length + eventChecksumBytes;
    view.setUint32(at + 9, end - at, true);
    view.setUint32(at + 13, (fileOffset + end) % 0x1_0000_0000, true);
    view.setUint32(this.length, crc32(this.bytes.subarray(at, this.length)), true);
    this.length = end;
  }

  u8(value: number): void {
    this.view.setUint8(this.length, value);
    this.length += 1;
  }

  u16(value: number): void {
    this.view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u24(value: number): void {
    this.u16(value & 0xffff);
    this.u8(value >>> 16);
  }

  u32(value: number): void {
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  u64(value: number): void {
    this.u32(value % 0x1_0000_0000);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }

  put(bytes: Uint8Array): void {
    this.need(bytes.length + 16);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Short ASCII is written in place; everything else goes through the encoder. Answers how many bytes it was. */
  text(text: string): number {
    this.need(text.length * 3 + 64);
    const at = this.length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x80 || index >= 256) return this.#encoded(text, at);
      this.bytes[at + index] = code;
    }
    this.length = at + text.length;
    return text.length;
  }

  #encoded(text: string, at: number): number {
    const bytes = utf8(text);
    this.length = at;
    this.put(bytes);
    return bytes.length;
  }
}

const buffer = new EventBuffer();

const slabBytes = 64 * 1024;
let slab = new Uint8Array(slabBytes);
let slabUsed = 0;

/** A copy that lasts. Transactions are small and many: they share their memory, as each array buffer costs more than its bytes. */
function keep(bytes: Uint8Array): Uint8Array {
  if (bytes.length > slabBytes / 4) return bytes.slice();
  if (slabUsed + bytes.length > slabBytes) {
    slab = new Uint8Array(slabBytes);
    slabUsed = 0;
  }
  const kept = slab.subarray(slabUsed, slabUsed + bytes.length);
  kept.set(bytes);
  slabUsed += bytes.length;
  return kept;
}

/** The events of a transaction, in one piece, as they stand in the file at `stamp.offset`. */
export function buildTransaction(content: TransactionContent, stamp: TransactionStamp): Uint8Array {
  // The GTID event holds the length of the whole: the rest is written first, behind room for it.
  const gtidRoomBytes = gtidFixedBytes + 9;
  buffer.length = gtidRoomBytes;
  const { schemaChange } = content;
  // Places in the file depend on the size of the GTID event: written for the usual size, and again where it is another.
  let gtidBytes = gtidFixedBytes + 3;
  for (;;) {
    buffer.length = gtidRoomBytes;
    const base = stamp.offset + gtidBytes - gtidRoomBytes;
    if (schemaChange === null) writeRows(content.edits, stamp, base);
    else writeSchemaChange(schemaChange, stamp, base);
    const needed = gtidFixedBytes + lengthBytes(buffer.length - gtidRoomBytes + gtidFixedBytes);
    if (needed === gtidBytes) break;
    gtidBytes = needed;
  }
  const end = buffer.length;
  const start = gtidRoomBytes - gtidBytes;
  buffer.length = start;
  writeGtid(stamp, end - start, {
    base: stamp.offset - start,
    isSchemaChange: schemaChange !== null,
  });
  return keep(buffer.bytes.subarray(start, end));
}

/** Bytes of a length-encoded integer that counts itself. */
function lengthBytes(others: number): number {
  if (others + 1 < 0xfb) return 1;
  if (others + 3 <= 0xffff) return 3;
  return others + 4 <= 0xffffff ? 4 : 9;
}

function writeGtid(
  stamp: TransactionStamp,
  transactionBytes: number,
  { base, isSchemaChange }: { readonly base: number; readonly isSchemaChange: boolean },
): void {
  buffer.open(EventType.gtid, stamp, 0);
  // FLAG_MAY_HAVE_SBR: the statement is in it as text.
  buffer.u8(isSchemaChange ? 1 : 0);
  buffer.put(stamp.serverUuid);
  buffer.u64(stamp.number);
  buffer.u8(2);
  buffer.u64(stamp.lastCommitted);
  buffer.u64(stamp.sequenceNumber);
  const microseconds = stamp.timestampSeconds * 1_000_000;
  buffer.u32(microseconds % 0x1_0000_0000);
  buffer.u24(Math.floor(microseconds / 0x1_0000_0000));
  writeLength(transactionBytes);
  buffer.u32(serverVersion);
  buffer.close(base);
}

function writeLength(value: number): void {
  if (value < 0xfb) {
    buffer.u8(value);
  } else if (value <= 0xffff) {
    buffer.u8(0xfc);
    buffer.u16(value);
  } else if (value <= 0xffffff) {
    buffer.u8(0xfd);
    buffer.u24(value);
  } else {
    buffer.u8(0xfe);
    buffer.u64(value);
  }
}

function writeQuery(
  statement: Uint8Array,
  stamp: TransactionStamp,
  options: { readonly base: number; readonly hasXid: boolean },
): void {
  buffer.open(EventType.query, stamp, suppressUse);
  buffer.need(statement.length + 128);
  buffer.u32(8);
  buffer.u32(0);
  buffer.u8(schemaBytes.length);
  buffer.u16(0);
  buffer.u16(statusVariables.length + (options.hasXid ? 9 : 0));
  buffer.put(statusVariables);
  if (options.hasXid) {
    buffer.u8(ddlXidStatus);
    buffer.u64(stamp.xid);
  }
  buffer.put(schemaBytes);
  buffer.u8(0);
  buffer.put(statement);
  buffer.close(options.base);
}

function writeSchemaChange(change: SchemaChange, stamp: TransactionStamp, base: number): void {
  writeQuery(utf8(schemaChangeText(change)), stamp, { base, hasXid: true });
}

function writeRows(edits: readonly RowEdit[], stamp: TransactionStamp, base: number): void {
  writeQuery(begin, stamp, { base, hasXid: false });
  let open: { readonly table: string; readonly type: number } | null = null;
  let flagsAt = 0;
  const closeRows = (isStatementEnd: boolean): void => {
    if (open === null) return;
    buffer.view.setUint16(flagsAt, isStatementEnd ? 1 : 0, true);
    buffer.close(base);
    open = null;
  };
  for (const edit of edits) {
    const type = typeOf(edit);
    const isSame: boolean = open !== null && open.table === edit.table && open.type === type;
    const isFull = isSame && buffer.eventBytes > rowsEventBytesMax;
    if (!isSame) {
      closeRows(true);
      writeTableMap(edit.table, stamp, base);
    } else if (isFull) {
      closeRows(false);
    }
    if (open === null) {
      flagsAt = openRows(type, stamp);
      open = { table: edit.table, type };
    }
    writeRow(edit.key, edit.before);
    writeRow(edit.key, edit.after);
  }
  closeRows(true);
  buffer.open(EventType.xid, stamp, 0);
  buffer.need(16);
  buffer.u64(stamp.xid);
  buffer.close(base);
}

function typeOf({ before, after }: RowEdit): number {
  if (before === null) return EventType.writeRows;
  return after === null ? EventType.deleteRows : EventType.updateRows;
}

const tableId = 100;

function writeTableMap(table: string, stamp: TransactionStamp, base: number): void {
  buffer.open(EventType.tableMap, stamp, 0);
  buffer.need(256);
  buffer.u32(tableId);
  buffer.u16(0);
  buffer.u16(1);
  buffer.u8(schemaBytes.length);
  buffer.put(schemaBytes);
  buffer.u8(0);
  buffer.u8(table.length);
  buffer.text(table);
  buffer.u8(0);
  // Two columns: VARBINARY(64), and a blob with three bytes of length; neither can be NULL.
  buffer.u8(2);
  buffer.u8(0x0f);
  buffer.u8(0xfc);
  buffer.u8(3);
  buffer.u16(64);
  buffer.u8(3);
  buffer.u8(0);
  // DEFAULT_CHARSET: binary.
  buffer.u8(2);
  buffer.u8(1);
  buffer.u8(63);
  buffer.close(base);
}

/** Answers where the flags are, which are known when the event is closed. */
function openRows(type: number, stamp: TransactionStamp): number {
  buffer.open(type, stamp, 0);
  buffer.need(64);
  buffer.u32(tableId);
  buffer.u16(0);
  const flagsAt = buffer.length;
  buffer.u16(0);
  buffer.u16(2);
  buffer.u8(2);
  buffer.u8(0xff);
  if (type === EventType.updateRows) buffer.u8(0xff);
  return flagsAt;
}

function writeRow(key: string, value: string | null): void {
  if (value === null) return;
  buffer.need(key.length * 3 + 64);
  buffer.u8(0xfc);
  const keyAt = buffer.length;
  buffer.length += 1;
  buffer.view.setUint8(keyAt, buffer.text(key));
  buffer.need(16);
  const valueAt = buffer.length;
  buffer.length += 3;
  const valueBytes = buffer.text(value);
  buffer.view.setUint16(valueAt, valueBytes & 0xffff, true);
  buffer.view.setUint8(valueAt + 2, valueBytes >>> 16);
}

import { BytesError, fromUtf8 } from '../../../base/bytes.ts';
import { eventChecksumBytes, eventHeaderBytes } from '../../../mysql-bridge/binlog/event-header.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { decodeServerUuid } from '../../../mysql-bridge/binlog/server-uuid.ts';
import type { RowEdit } from './event-bytes.ts';
import { parseSchemaChange, type SchemaChange } from './sql-text.ts';

/** What a transaction of a binlog says. */
export interface ReadTransaction {
  readonly gtid: Gtid;
  readonly serverId: number;
  readonly lastCommitted: number;
  readonly sequenceNumber: number;
  readonly xid: number | null;
  readonly edits: readonly RowEdit[];
  readonly schemaChange: SchemaChange | null;
  readonly byteLength: number;
}

/** What kind of event the bytes are, and how long it is; `bytes` begins with it. */
export function eventTypeAt(bytes: Uint8Array, at = 0): number {
  return bytes[at + 4] ?? 0;
}

export function u32At(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return low + (bytes[at + 3] ?? 0) * 0x100_0000;
}

export function u64At(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at) + u32At(bytes, at + 4) * 0x1_0000_0000;
}

function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

export function eventSizeAt(bytes: Uint8Array, at = 0): number {
  return u32At(bytes, at + 9);
}

const uuidCache = new Map<string, string>();

/** Of a GTID event without a tag. */
export function readGtidAt(bytes: Uint8Array, at: number): Gtid {
  if (eventTypeAt(bytes, at) !== EventType.gtid) {
    throw new BytesError(`event type ${eventTypeAt(bytes, at)} where a gtid event must be`);
  }
  const uuidBytes = bytes.subarray(at + 20, at + 36);
  let key = '';
  for (const byte of uuidBytes) key += String.fromCharCode(byte);
  let serverUuid = uuidCache.get(key);
  if (serverUuid === undefined) {
    serverUuid = decodeServerUuid(uuidBytes);
    uuidCache.set(key, serverUuid);
  }
  return { serverUuid, tag: '', number: BigInt(u64At(bytes, at + 36)) };
}

/** Statement of a QUERY event, and the xid that a DDL carries. */
export function readQueryAt(
  bytes: Uint8Array,
  at: number,
): { readonly statement: string; readonly xid: number | null } {
  const body = at + eventHeaderBytes;
  const schemaBytes = bytes[body + 8] ?? 0;
  const statusBytes = u16At(bytes, body + 11);
  const statusEnd = body + 13 + statusBytes;
  const statement = text(
    bytes,
    statusEnd + schemaBytes + 1,
    at + eventSizeAt(bytes, at) - eventChecksumBytes,
  );
  // The xid is the last variable that this model's servers write, and anything before it has a fixed length.
  const xidAt = statusEnd - 9;
  const hasXid = statusBytes >= 9 && bytes[xidAt] === 0x11;
  return { statement, xid: hasXid ? u64At(bytes, xidAt + 1) : null };
}

/** Reads one whole transaction: a GTID event and what follows it. Throws `BytesError` on what the model does not know. */
export function readTransaction(bytes: Uint8Array): ReadTransaction {
  const edits: RowEdit[] = [];
  const tables = new Map<number, string>();
  let schemaChange: SchemaChange | null = null;
  let xid: number | null = null;
  for (let at = eventSizeAt(bytes); at < bytes.length; at += eventSizeAt(bytes, at)) {
    const body = at + eventHeaderBytes;
    const end = at + eventSizeAt(bytes, at) - eventChecksumBytes;
    const type = eventTypeAt(bytes, at);
    switch (type) {
      case EventType.query: {
        const query = readQueryAt(bytes, at);
        if (query.statement === 'BEGIN') break;
        schemaChange = parseSchemaChange(query.statement);
        xid = query.xid;
        break;
      }
      case EventType.tableMap:
        tables.set(u32At(bytes, body), readTableName(bytes, body + 8));
        break;
      case EventType.writeRows:
      case EventType.updateRows:
      case EventType.deleteRows:
        readRows({ bytes, body, end, type, tables }, edits);
        break;
      case EventType.xid:
        xid = u64At(bytes, body);
        break;
      default:
        throw new BytesError(`event type ${type} is not modelled`);
    }
  }
  return {
    gtid: readGtidAt(bytes, 0),
    serverId: u32At(bytes, 5),
    lastCommitted: u64At(bytes, 45),
    sequenceNumber: u64At(bytes, 53),
    xid,
    edits,
    schemaChange,
    byteLength: bytes.length,
  };
}

function readTableName(bytes: Uint8Array, at: number): string {
  const nameAt = at + 1 + (bytes[at] ?? 0) + 1;
  return text(bytes, nameAt + 1, nameAt + 1 + (bytes[nameAt] ?? 0));
}

interface RowsEvent {
  readonly bytes: Uint8Array;
  readonly body: number;
  readonly end: number;
  readonly type: number;
  readonly tables: ReadonlyMap<number, string>;
}

function readRows({ bytes, body, end, type, tables }: RowsEvent, edits: RowEdit[]): void {
  const table = tables.get(u32At(bytes, body));
  if (table === undefined) throw new BytesError('rows of a table that was not named');
  const columnsAt = body + 8 + u16At(bytes, body + 8);
  if (bytes[columnsAt] !== 2) throw new BytesError(`rows of ${bytes[columnsAt]} columns`);
  let at = columnsAt + (type === EventType.updateRows ? 3 : 2);
  const next = (): { readonly key: string; readonly value: string } => {
    const keyAt = at + 2;
    const valueAt = keyAt + (bytes[at + 1] ?? 0);
    const valueBytes = u16At(bytes, valueAt) | ((bytes[valueAt + 2] ?? 0) << 16);
    at = valueAt + 3 + valueBytes;
    return { key: text(bytes, keyAt, valueAt), value: text(bytes, valueAt + 3, at) };
  };
  while (at < end) {
    const { key, value } = next();
    if (type === EventType.writeRows) edits.push({ table, key, before: null, after: value });
    else if (type === EventType.deleteRows) edits.push({ table, key, before: value, after: null });
    else edits.push({ table, key, before: value, after: next().value });
  }
}

function text(bytes: Uint8Array, from: number, to: number): string {
  if (to > bytes.length) throw new BytesError('text past the end of its event');
  if (to - from > 64) return fromUtf8(bytes.subarray(from, to));
  let result = '';
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return fromUtf8(bytes.subarray(from, to));
    result += String.fromCharCode(byte);
  }
  return result;
}

import { ByteReader, BytesError, type ByteWriter } from '../../base/bytes.ts';

/** A statement: a DDL, or BEGIN, COMMIT and their like around row events. */
export interface QueryEvent {
  readonly kind: 'query';
  readonly threadId: number;
  readonly executionSeconds: number;
  readonly errorCode: number;
  /** Session settings it ran under, as the server packs them. */
  readonly statusVariables: Uint8Array;
  readonly schema: Uint8Array;
  /** In the client's character set; the words looked for here are ASCII in all of them. */
  readonly statement: Uint8Array;
}

/** The commit of a transaction on transactional tables. */
export interface XidEvent {
  readonly kind: 'xid';
  readonly xid: bigint;
}

/** The end of an XA transaction's first phase, or its commit in one phase. */
export interface XaPrepareEvent {
  readonly kind: 'xa-prepare';
  readonly isOnePhase: boolean;
  readonly formatId: number;
  readonly globalId: Uint8Array;
  readonly branch: Uint8Array;
}

/** Everything between GTID and commit, compressed (`binlog_transaction_compression`). */
export interface TransactionPayloadEvent {
  readonly kind: 'transaction-payload';
  /** 0 is zstd, 255 none. */
  readonly compression: number;
  readonly uncompressedBytes: bigint | null;
  /** The fields as they stood in front of the payload. */
  readonly fields: Uint8Array;
  readonly payload: Uint8Array;
}

// QUERY, type 2:
//
//   0  4  thread id
//   4  4  execution time
//   8  1  length of the schema name
//   9  2  error code
//  11  2  length of the status variables
//  13     status variables, schema name, a zero byte, statement to the end

/** Bytes of a QUERY event's body in front of the statement: at most this many. */
export const queryHeadBytesMax: number = 13 + 0xffff + 0xff + 1;

export function readQueryEvent(reader: ByteReader): QueryEvent {
  const threadId = reader.u32();
  const executionSeconds = reader.u32();
  const schemaBytes = reader.u8();
  const errorCode = reader.u16();
  const statusVariables = reader.bytes(reader.u16());
  const schema = reader.bytes(schemaBytes);
  if (reader.u8() !== 0) throw new BytesError('no zero byte behind the schema name');
  const statement = reader.rest();
  return {
    kind: 'query',
    threadId,
    executionSeconds,
    errorCode,
    statusVariables,
    schema,
    statement,
  };
}

export function writeQueryEvent(writer: ByteWriter, event: QueryEvent): void {
  writer
    .u32(event.threadId)
    .u32(event.executionSeconds)
    .u8(event.schema.length)
    .u16(event.errorCode)
    .u16(event.statusVariables.length)
    .bytes(event.statusVariables)
    .bytes(event.schema)
    .u8(0)
    .bytes(event.statement);
}

export function readXidEvent(reader: ByteReader): XidEvent {
  const xid = reader.u64();
  if (reader.left > 0) throw new BytesError(`${reader.left} bytes behind the xid`);
  return { kind: 'xid', xid };
}

export function writeXidEvent(writer: ByteWriter, { xid }: XidEvent): void {
  writer.u64(xid);
}

const xaPartBytesMax = 64;

export function readXaPrepareEvent(reader: ByteReader): XaPrepareEvent {
  const onePhase = reader.u8();
  const formatId = reader.u32();
  const globalIdBytes = reader.u32();
  const branchBytes = reader.u32();
  if (onePhase > 1) throw new BytesError(`${onePhase} where one phase is 0 or 1`);
  if (globalIdBytes > xaPartBytesMax || branchBytes > xaPartBytesMax) {
    throw new BytesError(`an xa id of ${globalIdBytes} and ${branchBytes} bytes`);
  }
  const globalId = reader.bytes(globalIdBytes);
  const branch = reader.bytes(branchBytes);
  if (reader.left > 0) throw new BytesError(`${reader.left} bytes behind the xa id`);
  return { kind: 'xa-prepare', isOnePhase: onePhase === 1, formatId, globalId, branch };
}

export function writeXaPrepareEvent(writer: ByteWriter, event: XaPrepareEvent): void {
  writer
    .u8(event.isOnePhase ? 1 : 0)
    .u32(event.formatId)
    .u32(event.globalId.length)
    .u32(event.branch.length)
    .bytes(event.globalId)
    .bytes(event.branch);
}

const payloadField = { end: 0n, payloadBytes: 1n, compression: 2n, uncompressedBytes: 3n } as const;

/** Fields behind a type and a length, ended by type 0; then the payload. */
export function readTransactionPayloadEvent(reader: ByteReader): TransactionPayloadEvent {
  const found = new Map<bigint, bigint>();
  const whole = reader.rest();
  const fields = new ByteReader(whole);
  for (;;) {
    const type = required(fields.lengthEncodedInteger());
    if (type === payloadField.end) break;
    const length = required(fields.lengthEncodedInteger());
    const end = fields.offset + Number(length);
    found.set(type, required(fields.lengthEncodedInteger()));
    if (fields.offset !== end) throw new BytesError(`field ${type} is not ${length} bytes long`);
  }
  const payload = fields.rest();
  if (found.get(payloadField.payloadBytes) !== BigInt(payload.length)) {
    throw new BytesError(`${payload.length} bytes of payload, not as claimed`);
  }
  return {
    kind: 'transaction-payload',
    compression: Number(found.get(payloadField.compression) ?? 255n),
    uncompressedBytes: found.get(payloadField.uncompressedBytes) ?? null,
    fields: whole.subarray(0, whole.length - payload.length),
    payload,
  };
}

export function writeTransactionPayloadEvent(
  writer: ByteWriter,
  event: TransactionPayloadEvent,
): void {
  writer.bytes(event.fields).bytes(event.payload);
}

function required(value: bigint | null): bigint {
  if (value === null) throw new BytesError('NULL where a number must be');
  return value;
}

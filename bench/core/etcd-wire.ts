/**
 * The three messages of etcd's API (`etcdserver/etcdserverpb/rpc.proto`) that a benchmark of puts needs, in the encoding of Protocol
 * Buffers ("Encoding", protobuf.dev): a field is a key, `number << 3 | wire type`, and a value. Fields that are not asked for are
 * skipped. Numbers are 64 bits wide.
 */

const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;
/** Of 64 bits, seven to a byte. */
const varintBytesMax = 10;

/** What a member says of itself: etcd's `StatusResponse`, as far as it is of interest here. */
export interface MemberStatus {
  readonly memberId: bigint;
  /** 0 when it knows of none. */
  readonly leaderId: bigint;
  readonly term: bigint;
  /** The last committed index. */
  readonly index: bigint;
}

/** `PutRequest { bytes key = 1; bytes value = 2; }`, everything else by default. */
export function encodePut(key: Uint8Array, value: Uint8Array): Uint8Array {
  return concatenated([...bytesField(1, key), ...bytesField(2, value)]);
}

/** `PutResponse { ResponseHeader header = 1; }` with `{ int64 revision = 3; uint64 raft_term = 4; }`. */
export function encodePutAnswer(answer: {
  readonly revision: number;
  readonly term: number;
}): Uint8Array {
  const header = concatenated([
    numberField(3, BigInt(answer.revision)),
    numberField(4, BigInt(answer.term)),
  ]);
  return concatenated(bytesField(1, header));
}

/** `StatusResponse` with its `header.member_id` (1.2), `leader` (4), `raftIndex` (5) and `raftTerm` (6). */
export function encodeStatus(status: MemberStatus): Uint8Array {
  return concatenated([
    ...bytesField(1, numberField(2, status.memberId)),
    numberField(4, status.leaderId),
    numberField(5, status.index),
    numberField(6, status.term),
  ]);
}

/** Null of bytes that are no such message. A number that is left out is 0, as everywhere in Protocol Buffers. */
export function decodeStatus(bytes: Uint8Array): MemberStatus | null {
  const fields = readFields(bytes);
  const headerBytes = fields?.get(1);
  if (fields === null || !(headerBytes instanceof Uint8Array)) return null;
  const header = readFields(headerBytes);
  const [memberId, leaderId, index, term] = [
    header?.get(2) ?? 0n,
    fields.get(4) ?? 0n,
    fields.get(5) ?? 0n,
    fields.get(6) ?? 0n,
  ];
  const isWhole =
    header !== null &&
    typeof memberId === 'bigint' &&
    typeof leaderId === 'bigint' &&
    typeof index === 'bigint' &&
    typeof term === 'bigint';
  return isWhole ? { memberId, leaderId, term, index } : null;
}

/** The last value of each field; null when a field is cut off or of a kind that is not used any more. */
function readFields(bytes: Uint8Array): ReadonlyMap<number, bigint | Uint8Array> | null {
  const fields = new Map<number, bigint | Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const key = readVarint(bytes, at);
    if (key === null) return null;
    const field = readValue(bytes, key.next, Number(key.value & 7n));
    if (field === null) return null;
    if (field.value !== null) fields.set(Number(key.value >> 3n), field.value);
    at = field.next;
  }
  return fields;
}

/** A value and where the next field begins; null values are of kinds that are skipped. */
function readValue(
  bytes: Uint8Array,
  at: number,
  wireType: number,
): { readonly value: bigint | Uint8Array | null; readonly next: number } | null {
  switch (wireType) {
    case varint:
      return readVarint(bytes, at);
    case fixed64:
      return at + 8 <= bytes.length ? { value: null, next: at + 8 } : null;
    case fixed32:
      return at + 4 <= bytes.length ? { value: null, next: at + 4 } : null;
    case lengthDelimited: {
      const length = readVarint(bytes, at);
      if (length === null || length.value > BigInt(bytes.length - length.next)) return null;
      const next = length.next + Number(length.value);
      return { value: bytes.subarray(length.next, next), next };
    }
    default:
      return null;
  }
}

function readVarint(
  bytes: Uint8Array,
  from: number,
): { readonly value: bigint; readonly next: number } | null {
  let value = 0n;
  for (let count = 0; count < varintBytesMax; count += 1) {
    const byte = bytes[from + count];
    if (byte === undefined) return null;
    value |= BigInt(byte & 0x7f) << BigInt(7 * count);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: from + count + 1 };
  }
  return null;
}

function bytesField(number: number, value: Uint8Array): readonly Uint8Array[] {
  const head = [
    ...varintOf(BigInt((number << 3) | lengthDelimited)),
    ...varintOf(BigInt(value.length)),
  ];
  return [Uint8Array.from(head), value];
}

function numberField(number: number, value: bigint): Uint8Array {
  return Uint8Array.from([...varintOf(BigInt((number << 3) | varint)), ...varintOf(value)]);
}

function varintOf(value: bigint): readonly number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

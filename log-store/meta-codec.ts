import { ByteReader, BytesError, ByteWriter, fromUtf8, utf8 } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { decodeMembership, encodeMembership } from '../raft/core/membership-codec.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import {
  type HardState,
  isNodeId,
  type LogIndex,
  logIndex,
  nodeId,
  type Term,
  term,
} from '../raft/core/types.ts';
import type { TermRun } from './log-outline.ts';

/**
 * Raised when a record or key changes its meaning, or there is a new one that an older program would overlook; a store of another
 * version is refused, older or newer. 1: before membership indexes in the state, and before what a log begins behind.
 */
export const formatVersion = 2;

/** Whose log this is; written once, when the store is made. */
export interface Identity {
  readonly formatVersion: number;
  readonly clusterId: string;
  readonly nodeId: string;
}

/**
 * The state of the log after a batch, rewritten whole by each: whichever batch is the newest found, this is true of it.
 */
export interface StoredState {
  /** Number of the batch, from 1; 0 before the first. */
  readonly sequence: number;
  readonly hardState: HardState;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** Checksum of the newest entry's record: the end of the chain. */
  readonly lastChecksum: number;
  /** Entries from here on may have been in the engine's write-ahead log alone when the batch was written. */
  readonly recheckFrom: LogIndex;
  /** Where the newest membership entries stand, ascending, at most `membershipIndexesMax`. */
  readonly membershipIndexes: readonly LogIndex[];
}

/**
 * Two would be enough for what Raft can truncate; the store does not lean on that. Fewer may be left after a truncation, but
 * then those of the log before it are not needed either.
 */
export const membershipIndexesMax = 8;

/** What takes the place of the entries before the first one held. */
export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  /** Checksum of the record that the first one held was written behind: where the chain goes on. */
  readonly checksum: number;
}

/** Newest batch that was reported durable, kept outside the engine. */
export interface DurableMark {
  readonly sequence: number;
  readonly term: Term;
  readonly lastIndex: LogIndex;
}

/**
 * Small records share a frame: `u32 CRC-32C of the rest, u8 kind, body`. Decoders answer null to anything that is not
 * exactly what an encoder wrote.
 */
const frameKind = { identity: 1, state: 2, termRun: 3, durableMark: 4, snapshot: 5 } as const;
type FrameKind = (typeof frameKind)[keyof typeof frameKind];

export function encodeIdentity(identity: Identity): Uint8Array {
  return frame(frameKind.identity, (body) =>
    text(text(body.u32(identity.formatVersion), identity.clusterId), identity.nodeId),
  );
}

export function decodeIdentity(bytes: Uint8Array): Identity | null {
  return unframe(bytes, frameKind.identity, (body) => ({
    formatVersion: body.u32(),
    clusterId: fromUtf8(body.bytes(body.u16())),
    nodeId: fromUtf8(body.bytes(body.u16())),
  }));
}

export function encodeState(state: StoredState): Uint8Array {
  return frame(frameKind.state, (body) => {
    integer(body, state.sequence);
    integer(body, state.hardState.term);
    integer(body, state.firstIndex);
    integer(body, state.lastIndex);
    integer(body, state.recheckFrom);
    body.u32(state.lastChecksum);
    // No node id is empty, so the empty text can stand for "no vote".
    text(body, state.hardState.votedFor ?? '');
    body.u8(state.membershipIndexes.length);
    for (const index of state.membershipIndexes) integer(body, index);
  });
}

export function decodeState(bytes: Uint8Array): StoredState | null {
  return unframe(bytes, frameKind.state, (body) => {
    const sequence = safeInteger(body);
    const hardTerm = term(safeInteger(body));
    const firstIndex = logIndex(safeInteger(body));
    const lastIndex = logIndex(safeInteger(body));
    const recheckFrom = logIndex(safeInteger(body));
    const lastChecksum = body.u32();
    const vote = fromUtf8(body.bytes(body.u16()));
    if (vote !== '' && !isNodeId(vote)) throw new BytesError(`${vote} is no node id`);
    const hardState = { term: hardTerm, votedFor: vote === '' ? null : nodeId(vote) };
    const membershipIndexes = readIndexes(body);
    return {
      ...{ sequence, hardState, firstIndex, lastIndex, lastChecksum, recheckFrom },
      membershipIndexes,
    };
  });
}

export function encodeTermRun(run: TermRun): Uint8Array {
  return frame(frameKind.termRun, (body) => integer(integer(body, run.term), run.firstIndex));
}

export function decodeTermRun(bytes: Uint8Array): TermRun | null {
  return unframe(bytes, frameKind.termRun, (body) => ({
    term: term(safeInteger(body)),
    firstIndex: logIndex(safeInteger(body)),
  }));
}

export function encodeSnapshot({ meta, checksum }: StoredSnapshot): Uint8Array {
  const { last, membership } = meta;
  return frame(frameKind.snapshot, (body) => {
    integer(integer(body, last.term), last.index);
    body.u32(checksum);
    // No configuration stands at index 0, so it can stand for "as configured".
    integer(body, membership?.index ?? 0);
    if (membership !== null) body.bytes(encodeMembership(membership.membership));
  });
}

export function decodeSnapshot(bytes: Uint8Array): StoredSnapshot | null {
  return unframe(bytes, frameKind.snapshot, (body) => {
    const last = { term: term(safeInteger(body)), index: logIndex(safeInteger(body)) };
    const checksum = body.u32();
    const index = logIndex(safeInteger(body));
    if (index === 0) return { meta: { last, membership: null }, checksum };
    const decoded = decodeMembership(body.rest());
    if (decoded.kind === 'malformed') throw new BytesError(decoded.reason);
    return { meta: { last, membership: { index, membership: decoded.membership } }, checksum };
  });
}

export function encodeDurableMark(mark: DurableMark): Uint8Array {
  return frame(frameKind.durableMark, (body) =>
    integer(integer(integer(body, mark.sequence), mark.term), mark.lastIndex),
  );
}

export function decodeDurableMark(bytes: Uint8Array): DurableMark | null {
  return unframe(bytes, frameKind.durableMark, (body) => ({
    sequence: safeInteger(body),
    term: term(safeInteger(body)),
    lastIndex: logIndex(safeInteger(body)),
  }));
}

/** Bytes of an encoded mark; they do not depend on its values. */
export const durableMarkLength = 29;

function frame(kind: FrameKind, write: (body: ByteWriter) => unknown): Uint8Array {
  const writer = new ByteWriter().u32(0).u8(kind);
  write(writer);
  const bytes = writer.finish();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(0, crc32c(bytes.subarray(4)), true);
  return bytes;
}

function unframe<Value>(
  bytes: Uint8Array,
  kind: FrameKind,
  read: (body: ByteReader) => Value,
): Value | null {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u32() !== crc32c(bytes.subarray(4)) || reader.u8() !== kind) return null;
    const value = read(reader);
    return reader.left === 0 ? value : null;
  } catch (thrown) {
    if (thrown instanceof BytesError) return null;
    throw thrown;
  }
}

function text(body: ByteWriter, value: string): ByteWriter {
  const bytes = utf8(value);
  return body.u16(bytes.length).bytes(bytes);
}

/** Logs that were written before there were membership entries end before the list. */
function readIndexes(body: ByteReader): readonly LogIndex[] {
  const count = body.left === 0 ? 0 : body.u8();
  if (count > membershipIndexesMax) throw new BytesError(`${count} indexes`);
  return Array.from({ length: count }, () => logIndex(safeInteger(body)));
}

function integer(body: ByteWriter, value: number): ByteWriter {
  return body.u64(BigInt(value));
}

function safeInteger(body: ByteReader): number {
  const value = body.u64();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BytesError(`${value} is too large`);
  return Number(value);
}

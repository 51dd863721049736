import { assertNever } from '../../base/assert.ts';
import { type Entry, EntryKind } from '../core/entry.ts';
import { decodeMembership, encodeMembership } from '../core/membership-codec.ts';
import type { AppendResponse, InstallSnapshot, Message } from '../core/messages.ts';
import type { SnapshotMeta } from '../core/snapshot.ts';
import {
  type EntryId,
  isNodeId,
  type LogIndex,
  logIndex,
  type NodeId,
  nodeId,
  type Term,
  term,
} from '../core/types.ts';
import { frameValuesMax } from './limits.ts';
import { packValues, type TupleReader, unpackValues, WireFault } from './wire-values.ts';

/** Changes with every change of a tuple below; two versions never talk (checked by the handshake). */
export const wireVersion = 3;

/**
 * A frame is a msgpack array of messages; each message an array that begins with its tag. Entries carry no index: they follow
 * `previous`, so that a hole cannot be written.
 *
 *   1 pre-vote-request   term, last.term, last.index, appliedIndex
 *   2 pre-vote-response  term, granted
 *   3 vote-request       term, last.term, last.index, isTransfer
 *   4 vote-response      term, granted
 *   5 append-request     term, previous.term, previous.index, commitIndex, readRound, [term, kind, payload, …]
 *   6 append-response    term, readRound, appliedIndex, matchIndex                                    (matched)
 *   7 append-response    term, readRound, appliedIndex, previousIndex, conflict.term, conflict.index  (conflict)
 *   8 timeout-now        term
 *   9 removed-notice     term, member, membershipIndex
 *  10 install-snapshot   term, last.term, last.index, membershipIndex, membership           (0, nil: as configured)
 *  11 read-index-request  term, readId, incarnation
 *  12 read-index-response term, readId, incarnation, index                                  (nil: rejected)
 */
const Tag = {
  preVoteRequest: 1,
  preVoteResponse: 2,
  voteRequest: 3,
  voteResponse: 4,
  appendRequest: 5,
  appendMatched: 6,
  appendConflict: 7,
  timeoutNow: 8,
  removedNotice: 9,
  installSnapshot: 10,
  readIndexRequest: 11,
  readIndexResponse: 12,
} as const;

/**
 * Terms and indexes of a peer are at most this: no cluster gets there, and whoever takes one over counts on from it. A campaign in
 * the term behind the last whole number, or an entry behind such a snapshot, would be an assertion.
 */
const positionMax = 2 ** 52;

export type DecodedFrame =
  | { readonly kind: 'messages'; readonly messages: readonly Message[] }
  | { readonly kind: 'malformed'; readonly reason: string };

export function encodeFrame(messages: readonly Message[]): Uint8Array {
  return packValues(messages.map(tupleOf));
}

/** The gateway for everything a peer says: types, ranges, order of terms. All or nothing of a frame. */
export function decodeFrame(bytes: Uint8Array): DecodedFrame {
  try {
    const frame = unpackValues(bytes, { valuesMax: frameValuesMax });
    const messages: Message[] = [];
    while (frame.left > 0) messages.push(messageOf(frame.tuple()));
    frame.end();
    return { kind: 'messages', messages };
  } catch (error) {
    if (error instanceof WireFault) return { kind: 'malformed', reason: error.message };
    throw error;
  }
}

/** About how many bytes a message takes in a frame; never less than what its payloads take. */
export function wireBytes(message: Message): number {
  const entries = message.kind === 'append-request' ? message.entries : [];
  return entries.reduce((sum, entry) => sum + entry.payload.length + 24, 80);
}

function tupleOf(message: Message): readonly unknown[] {
  switch (message.kind) {
    case 'pre-vote-request':
      return [
        ...[Tag.preVoteRequest, message.term, message.last.term, message.last.index],
        message.appliedIndex,
      ];
    case 'pre-vote-response':
      return [Tag.preVoteResponse, message.term, message.granted];
    case 'vote-request': {
      const { last, isTransfer } = message;
      return [Tag.voteRequest, message.term, last.term, last.index, isTransfer];
    }
    case 'vote-response':
      return [Tag.voteResponse, message.term, message.granted];
    case 'append-request': {
      const { previous, commitIndex, readRound } = message;
      const entries = message.entries.flatMap((entry) => [entry.term, entry.kind, entry.payload]);
      return [
        ...[Tag.appendRequest, message.term, previous.term, previous.index, commitIndex, readRound],
        entries,
      ];
    }
    case 'append-response':
      return appendResponseTuple(message);
    case 'timeout-now':
      return [Tag.timeoutNow, message.term];
    case 'removed-notice':
      return [Tag.removedNotice, message.term, message.member, message.membershipIndex];
    case 'install-snapshot':
      return installSnapshotTuple(message);
    case 'read-index-request':
      return [Tag.readIndexRequest, message.term, message.readId, message.incarnation];
    case 'read-index-response': {
      const { readId, incarnation, index } = message;
      return [Tag.readIndexResponse, message.term, readId, incarnation, index];
    }
    default:
      return assertNever(message);
  }
}

function appendResponseTuple(message: AppendResponse): readonly unknown[] {
  const { result, readRound, appliedIndex } = message;
  const head = [message.term, readRound, appliedIndex];
  if (result.kind === 'matched') return [Tag.appendMatched, ...head, result.matchIndex];
  const { previousIndex, conflict } = result;
  return [Tag.appendConflict, ...head, previousIndex, conflict.term, conflict.index];
}

function installSnapshotTuple({ term: sent, meta }: InstallSnapshot): readonly unknown[] {
  const { last, membership } = meta;
  const members = membership === null ? null : encodeMembership(membership.membership);
  return [Tag.installSnapshot, sent, last.term, last.index, membership?.index ?? 0, members];
}

function messageOf(tuple: TupleReader): Message {
  const tag = tuple.natural();
  const message = bodyOf(tag, tuple);
  tuple.end();
  return message;
}

function bodyOf(tag: number, tuple: TupleReader): Message {
  const sent = takeTerm(tuple);
  switch (tag) {
    case Tag.preVoteRequest:
      return {
        kind: 'pre-vote-request',
        term: sent,
        last: takeEntryId(tuple, sent),
        appliedIndex: takeIndex(tuple),
      };
    case Tag.preVoteResponse:
      return { kind: 'pre-vote-response', term: sent, granted: tuple.boolean() };
    case Tag.voteRequest: {
      const last = takeEntryId(tuple, sent);
      return { kind: 'vote-request', term: sent, last, isTransfer: tuple.boolean() };
    }
    case Tag.voteResponse:
      return { kind: 'vote-response', term: sent, granted: tuple.boolean() };
    case Tag.appendRequest: {
      const previous = takeEntryId(tuple, sent);
      const commitIndex = takeIndex(tuple);
      const readRound = tuple.natural();
      const entries = takeEntries(tuple.tuple(), previous, sent);
      return { kind: 'append-request', term: sent, previous, entries, commitIndex, readRound };
    }
    case Tag.appendMatched:
    case Tag.appendConflict:
      return {
        kind: 'append-response',
        term: sent,
        readRound: tuple.natural(),
        appliedIndex: takeIndex(tuple),
        result: tag === Tag.appendMatched ? takeMatched(tuple) : takeConflict(tuple, sent),
      };
    case Tag.timeoutNow:
      return { kind: 'timeout-now', term: sent };
    case Tag.removedNotice:
      return {
        kind: 'removed-notice',
        term: sent,
        member: takeNodeId(tuple),
        membershipIndex: takeIndex(tuple),
      };
    case Tag.installSnapshot:
      return { kind: 'install-snapshot', term: sent, meta: takeSnapshot(tuple, sent) };
    case Tag.readIndexRequest:
      return {
        kind: 'read-index-request',
        term: sent,
        readId: tuple.natural(),
        incarnation: tuple.natural(),
      };
    case Tag.readIndexResponse:
      return {
        kind: 'read-index-response',
        term: sent,
        readId: tuple.natural(),
        incarnation: tuple.natural(),
        index: tuple.isNil() ? null : takeIndex(tuple),
      };
    default:
      throw new WireFault(`tag ${tag}`);
  }
}

function takeMatched(tuple: TupleReader): AppendResponse['result'] {
  return { kind: 'matched', matchIndex: takeIndex(tuple) };
}

function takeConflict(tuple: TupleReader, sent: Term): AppendResponse['result'] {
  const previousIndex = takeIndex(tuple);
  const conflict = takeEntryId(tuple, sent);
  if (conflict.index > previousIndex) {
    throw new WireFault(`conflict ${conflict.index} lies behind ${previousIndex}`);
  }
  return { kind: 'conflict', previousIndex, conflict };
}

function takeNodeId(tuple: TupleReader): NodeId {
  const text = tuple.text();
  if (!isNodeId(text)) throw new WireFault(`${JSON.stringify(text.slice(0, 64))} is no node id`);
  return nodeId(text);
}

/** A snapshot of a log without entries would say nothing, and no member of it stands behind it. */
function takeSnapshot(tuple: TupleReader, sent: Term): SnapshotMeta {
  const last = takeEntryId(tuple, sent);
  const index = takeIndex(tuple);
  if (last.index === 0 || index > last.index) throw new WireFault(`a snapshot of ${last.index}`);
  if (tuple.isNil()) {
    if (index !== 0) throw new WireFault(`no members at ${index}`);
    return { last, membership: null };
  }
  const decoded = decodeMembership(tuple.bytes());
  if (index === 0 || decoded.kind === 'malformed') throw new WireFault(`members at ${index}`);
  return { last, membership: { index, membership: decoded.membership } };
}

function takeIndex(tuple: TupleReader): LogIndex {
  return logIndex(takePosition(tuple));
}

function takeTerm(tuple: TupleReader): Term {
  return term(takePosition(tuple));
}

function takePosition(tuple: TupleReader): number {
  const position = tuple.natural();
  if (position > positionMax) throw new WireFault(`${position}, ${positionMax} is the last one`);
  return position;
}

/** Nobody holds an entry of a term past the one it speaks in; only what stands before the first entry has term 0. */
function takeEntryId(tuple: TupleReader, sent: Term): EntryId {
  const entryTerm = takeTerm(tuple);
  const index = takeIndex(tuple);
  if (entryTerm > sent) throw new WireFault(`entry of term ${entryTerm} in term ${sent}`);
  if ((entryTerm === 0) !== (index === 0)) {
    throw new WireFault(`entry ${index} cannot be of term ${entryTerm}`);
  }
  return { term: entryTerm, index };
}

function takeEntries(tuple: TupleReader, previous: EntryId, sent: Term): readonly Entry[] {
  const entries: Entry[] = [];
  let last = previous;
  while (tuple.left > 0) {
    const entryTerm = takeTerm(tuple);
    if (entryTerm < Math.max(1, last.term) || entryTerm > sent) {
      throw new WireFault(`entry of term ${entryTerm} behind ${last.term} in term ${sent}`);
    }
    if (last.index >= positionMax) throw new WireFault('an index past the last one');
    const index = logIndex(last.index + 1);
    const entry = { term: entryTerm, index, kind: takeKind(tuple), payload: tuple.bytes() };
    entries.push(entry);
    last = entry;
  }
  return entries;
}

function takeKind(tuple: TupleReader): EntryKind {
  const value = tuple.natural();
  const kind = Object.values(EntryKind).find((known) => known === value);
  if (kind === undefined) throw new WireFault(`entry kind ${value}`);
  return kind;
}

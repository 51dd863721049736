import { binlogMagic } from '../../../mysql-bridge/binlog/binlog-file-scan.ts';
import { buildEvent } from '../../../mysql-bridge/binlog/checksum.ts';
import {
  buildArtificialRotate,
  buildHeartbeat,
} from '../../../mysql-bridge/binlog/control-events.ts';
import {
  decodeEventHeader,
  EventFlag,
  eventChecksumBytes,
  eventHeaderBytes,
} from '../../../mysql-bridge/binlog/event-header.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import type { BinlogFile } from './binlog-files.ts';
import { eventSizeAt, eventTypeAt, readGtidAt } from './event-reader.ts';
import { SimSqlError } from './fibers.ts';
import type { GtidState } from './gtid-state.ts';
import type { SimDumpRequest } from './inputs.ts';
import type { Semisync } from './semisync.ts';
import type { ServerLife } from './server-life.ts';
import { SimError } from './statements.ts';

interface Sender {
  readonly session: number;
  readonly request: SimDumpRequest;
  file: BinlogFile;
  /** The next chunk of the file; the one at its head is chunk 0. */
  nextChunk: number;
  offset: number;
  /** Transactions were left out in front of here: a heartbeat tells the place before the stream goes on. */
  hasGap: boolean;
  isClosing: boolean;
}

/** The second bytes of all packets of a semisynchronous dump, and of any other. */
const prefixes = {
  plain: Uint8Array.of(0),
  waiting: Uint8Array.of(0, 0xef, 1),
  notWaiting: Uint8Array.of(0, 0xef, 0),
} as const;

/**
 * The dump threads (MySQL source, `Binlog_sender`). They send what is synced, transaction by transaction, and leave out those
 * that the replica has.
 */
export class DumpSenders {
  readonly #life: ServerLife;
  readonly #gtids: GtidState;
  readonly #semisync: Semisync;
  readonly #senders = new Map<number, Sender>();
  #onLost: (session: number, error: SimSqlError) => void = () => undefined;

  constructor(life: ServerLife, gtids: GtidState, semisync: Semisync) {
    this.#life = life;
    this.#gtids = gtids;
    this.#semisync = semisync;
  }

  has(session: number): boolean {
    return this.#senders.has(session);
  }

  /** A dump that cannot go on where it was. */
  onLost(listener: (session: number, error: SimSqlError) => void): void {
    this.#onLost = listener;
  }

  /** Another dump of the same replica, which the server ends. */
  twinOf(request: SimDumpRequest): number | null {
    for (const { session, request: other, isClosing } of this.#senders.values()) {
      if (other.replicaUuid === request.replicaUuid && !isClosing) return session;
    }
    return null;
  }

  /** Throws `SimSqlError` 1236 when the binlogs do not hold what the replica needs, or the replica has what the server has not. */
  start(session: number, request: SimDumpRequest): void {
    const { serverUuid } = this.#life.disk;
    const own = ofServer(request.exclude, serverUuid);
    if (!own.isSubsetOf(ofServer(this.#gtids.executed, serverUuid).union(this.#gtids.logged))) {
      throw fatal("Replica has more GTIDs than the source has, using the source's SERVER_UUID.");
    }
    if (!this.#gtids.purged.isSubsetOf(request.exclude)) {
      throw fatal(
        'Cannot replicate because the source purged required binary logs. Replicate the missing transactions from elsewhere, or provision a new replica from backup.',
      );
    }
    const sender: Sender = {
      session,
      request,
      file: this.#firstFile(request.exclude),
      nextChunk: 0,
      offset: 0,
      hasGap: false,
      isClosing: false,
    };
    this.#senders.set(session, sender);
    if (request.isSemisync) this.#semisync.addClient(session);
    this.#send(sender);
  }

  /** The replica is gone or was killed: the semisync plug-in counts it until the next heartbeat fails. */
  noticeLater(session: number, onNotice: () => void): void {
    const sender = this.#senders.get(session);
    if (sender === undefined || sender.isClosing) return;
    sender.isClosing = true;
    const { heartbeatPeriodMs = 1000 } = sender.request;
    this.#life.timer('heartbeat', heartbeatPeriodMs, onNotice);
  }

  stop(session: number): void {
    if (this.#senders.delete(session)) this.#semisync.removeClient(session);
  }

  /** More of the binlog may be sent. */
  publish(): void {
    for (const sender of [...this.#senders.values()]) {
      if (sender.isClosing) continue;
      if (this.#life.disk.binlog.all.includes(sender.file)) this.#send(sender);
      else this.#goOnAfterReset(sender);
    }
  }

  /**
   * Its file was deleted. A dump goes by the name: if the first file was being sent, the new one is taken for it, and is waited for
   * until it is longer than what was sent of the other.
   */
  #goOnAfterReset(sender: Sender): void {
    const { newest } = this.#life.disk.binlog;
    const waits = newest?.name === sender.file.name && newest.syncedLength <= sender.offset;
    if (!waits) this.#onLost(sender.session, fatal('could not find next log'));
  }

  /** The newest file whose PREVIOUS_GTIDS the replica has all of. */
  #firstFile(exclude: GtidSet): BinlogFile {
    const files = this.#life.disk.binlog.all;
    const found = files.findLast((file) => previousGtids(file).isSubsetOf(exclude)) ?? files[0];
    if (found === undefined) throw fatal('Could not find first log file name in binary log index');
    return found;
  }

  #send(sender: Sender): void {
    const pieces: PacketPiece[] = [];
    for (;;) {
      const chunk = sender.file.chunks[sender.nextChunk];
      const isPublished =
        chunk !== undefined && sender.offset + chunk.length <= sender.file.syncedLength;
      if (isPublished) {
        this.#sendChunk(sender, chunk, pieces);
        continue;
      }
      const next = this.#fileAfter(sender.file);
      if (next === null) break;
      sender.file = next;
      sender.nextChunk = 0;
      sender.offset = 0;
    }
    // Before it waits it says where it is, if the replica cannot know.
    if (sender.hasGap) this.#sendHeartbeat(sender, pieces);
    if (pieces.length > 0) this.#life.emit({ kind: 'events', session: sender.session, pieces });
  }

  #fileAfter(file: BinlogFile): BinlogFile | null {
    const { all, newest } = this.#life.disk.binlog;
    if (newest === null || newest === file) return null;
    const index = all.indexOf(file);
    return all[index + 1] ?? null;
  }

  #sendChunk(sender: Sender, chunk: Uint8Array, pieces: PacketPiece[]): void {
    if (sender.nextChunk === 0) {
      this.#sendHead(sender, chunk, pieces);
    } else if (
      eventTypeAt(chunk) === EventType.gtid &&
      sender.request.exclude.has(readGtidAt(chunk, 0))
    ) {
      sender.hasGap = true;
    } else {
      if (sender.hasGap) this.#sendHeartbeat(sender, pieces);
      this.#sendEvents(sender, chunk, pieces);
    }
    sender.nextChunk += 1;
    sender.offset += chunk.length;
  }

  #sendHead(sender: Sender, chunk: Uint8Array, pieces: PacketPiece[]): void {
    const { serverId } = this.#life.identity;
    const next = { file: sender.file.name, offset: BigInt(binlogMagic.length) };
    this.#add(sender, buildArtificialRotate(next, serverId), pieces);
    const formatEnd = binlogMagic.length + eventSizeAt(chunk, binlogMagic.length);
    const format = chunk.subarray(binlogMagic.length, formatEnd);
    this.#add(sender, withoutInUse(format), pieces);
    this.#add(sender, chunk.subarray(formatEnd), pieces);
    sender.hasGap = false;
  }

  #sendEvents(sender: Sender, chunk: Uint8Array, pieces: PacketPiece[]): void {
    for (let at = 0; at < chunk.length; ) {
      const end = at + eventSizeAt(chunk, at);
      const isLast = end === chunk.length;
      const asks =
        isLast &&
        sender.request.isSemisync &&
        this.#semisync.asksForAck({ file: sender.file.number, offset: sender.offset + end });
      this.#add(sender, chunk.subarray(at, end), pieces, asks);
      at = end;
    }
  }

  #sendHeartbeat(sender: Sender, pieces: PacketPiece[]): void {
    sender.hasGap = false;
    const position = { file: sender.file.name, offset: BigInt(sender.offset) };
    const { serverId } = this.#life.identity;
    this.#add(sender, buildHeartbeat({ version: 2, position }, serverId), pieces);
  }

  #add(sender: Sender, event: Uint8Array, pieces: PacketPiece[], asksForAck = false): void {
    const ofSemisync = asksForAck ? prefixes.waiting : prefixes.notWaiting;
    const prefix = sender.request.isSemisync ? ofSemisync : prefixes.plain;
    pieces.push({ bytes: prefix, isFirst: true, isLast: false, sequence: 0 });
    pieces.push({ bytes: event, isFirst: false, isLast: true, sequence: 0 });
  }
}

/** What stands in front of the first transaction of a file. */
export function previousGtids(file: BinlogFile): GtidSet {
  const head = file.chunks[0] ?? new Uint8Array();
  const eventAt = binlogMagic.length + eventSizeAt(head, binlogMagic.length);
  return GtidSet.decode(head.subarray(eventAt + eventHeaderBytes, -eventChecksumBytes));
}

function withoutInUse(format: Uint8Array): Uint8Array {
  const header = decodeEventHeader(format);
  const body = format.subarray(eventHeaderBytes, -eventChecksumBytes);
  return buildEvent({ ...header, flags: header.flags & ~EventFlag.binlogInUse }, body);
}

function ofServer(set: GtidSet, serverUuid: string): GtidSet {
  const source = set.sources.find((other) => other.serverUuid === serverUuid);
  const result = new GtidSet();
  if (source === undefined) return result;
  for (const { first, last } of source.intervals) {
    result.addAll(GtidSet.parse(`${serverUuid}:${first}-${last}`));
  }
  return result;
}

function fatal(message: string): SimSqlError {
  return new SimSqlError(SimError.dumpFatal, message);
}

import { concatBytes } from '../../../base/bytes.ts';
import type { Clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { buildEvent } from '../../../mysql-bridge/binlog/checksum.ts';
import { encodeEntryPayload } from '../../../mysql-bridge/binlog/entry-payload.ts';
import {
  type BinlogEvent,
  decodeEvent,
  encodeEvent,
} from '../../../mysql-bridge/binlog/event-codec.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { formatGtid, type Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import {
  type LedgerPace,
  TransactionLedger,
} from '../../../mysql-bridge/ledger/transaction-ledger.ts';
import { PacketCollector, PacketFramer } from '../../../mysql-bridge/protocol/packet-framer.ts';
import { type DumpEnd, DumpStream } from '../../../mysql-bridge/source/dump-stream.ts';
import { DumpTimeline } from '../../../mysql-bridge/source/dump-timeline.ts';
import type { DumpRequest } from '../../../mysql-bridge/source/source-session.ts';
import type { ArrayRaft } from '../../support/array-raft.ts';
import { serverA } from '../ledger/log-arbitrary.ts';

export const sourceServerId = 900;

export const formatDescription: Uint8Array = encodeEvent({
  header: {
    timestamp: 1,
    type: EventType.formatDescription,
    serverId: 1,
    eventSize: 0,
    logPos: 126,
    flags: 1,
  },
  body: {
    kind: 'format-description',
    binlogVersion: 4,
    serverVersion: '9.7.4',
    created: 1,
    headerLength: 19,
    postHeaderLengths: new Uint8Array(42).fill(8),
    checksumAlgorithm: 1,
  },
});

/** Servers begin a new binlog file, and with it a new clock, every five transactions. */
function sequenceOf(gtid: Gtid): bigint {
  return ((gtid.number - 1n) % 5n) + 1n;
}

function serverIdOf(gtid: Gtid): number {
  return gtid.serverUuid === serverA ? 1 : 2;
}

/** A GTID event, a row event of `rowBytes`, an XID event. */
export function transactionEvents(gtid: Gtid, rowBytes = 300): Uint8Array[] {
  const header = { timestamp: 1, serverId: serverIdOf(gtid), logPos: 1, flags: 0 };
  const gtidEvent = encodeEvent({
    header: { ...header, type: EventType.gtid, eventSize: 0 },
    body: {
      kind: 'gtid',
      gtid,
      flags: 0,
      lastCommitted: 0n,
      sequenceNumber: sequenceOf(gtid),
      immediateCommitTimestamp: 1n,
      originalCommitTimestamp: null,
      transactionLength: 1n,
      immediateServerVersion: 90704,
      originalServerVersion: null,
      commitGroupTicket: null,
      unknown: new Uint8Array(0),
    },
  });
  const row = new Uint8Array(rowBytes).fill(Number(gtid.number % 251n));
  return [
    gtidEvent,
    buildEvent({ ...header, type: EventType.writeRows }, row),
    buildEvent({ ...header, type: EventType.xid }, new Uint8Array(8)),
  ];
}

/** A fragment of a transaction with real events, cut anywhere behind the GTID event. */
export function eventPayload(
  gtid: Gtid,
  part: { readonly fragment: number; readonly fragments: number } = { fragment: 0, fragments: 1 },
  rowBytes = 300,
): Uint8Array {
  const events = transactionEvents(gtid, rowBytes);
  const whole = concatBytes(events);
  const head = events[0]?.length ?? 0;
  const cut = (at: number): number =>
    at === 0 ? 0 : head + Math.floor(((whole.length - head) * at) / part.fragments);
  return encodeEntryPayload({
    gtid,
    fragment: part.fragment,
    isFinal: part.fragment === part.fragments - 1,
    transactionBytes: BigInt(whole.length),
    events: whole.slice(cut(part.fragment), cut(part.fragment + 1)),
  });
}

/** What a replica makes of the wire bytes. */
export class DumpReader {
  readonly #framer = new PacketFramer();
  readonly #collector = new PacketCollector({ payloadBytesMax: 1024 * 1024 * 1024 });
  readonly events: BinlogEvent[] = [];
  readonly #raw: Uint8Array[] = [];
  /** As a replica counts: 4 after a ROTATE, then the size of each event. */
  offset = 0;
  file = '';
  lastSequence: number | null = null;

  push(bytes: Uint8Array): void {
    for (const piece of this.#framer.push(bytes)) {
      const packet = this.#collector.add(piece);
      if (packet === null) continue;
      this.lastSequence = packet.sequence;
      this.#take(packet.payload.slice(1));
    }
  }

  #take(raw: Uint8Array): void {
    const event = decodeEvent(raw);
    this.events.push(event);
    this.#raw.push(raw);
    if (event.body.kind === 'rotate') {
      this.file = event.body.next.file;
      this.offset = Number(event.body.next.offset);
    } else if (event.body.kind !== 'heartbeat') {
      this.offset += raw.length;
    }
  }

  get isBetweenTransactions(): boolean {
    return this.#transactions().every(({ isWhole }) => isWhole);
  }

  /** GTIDs in the order received, each with its bytes. */
  get transactions(): readonly { readonly gtid: string; readonly bytes: Uint8Array }[] {
    return this.#transactions().map(({ gtid, parts }) => ({ gtid, bytes: concatBytes(parts) }));
  }

  #transactions(): { gtid: string; parts: Uint8Array[]; isWhole: boolean }[] {
    const found: { gtid: string; parts: Uint8Array[]; isWhole: boolean }[] = [];
    this.events.forEach(({ header, body }, at) => {
      const raw = this.#raw[at] ?? new Uint8Array(0);
      const open = found.at(-1);
      if (body.kind === 'gtid') {
        found.push({ gtid: formatGtid(body.gtid), parts: [raw], isWhole: false });
      } else if (open !== undefined && !open.isWhole) {
        open.parts.push(raw);
        if (header.type === EventType.xid) open.isWhole = true;
      }
    });
    return found;
  }
}

export async function ledgerOf(raft: ArrayRaft, pace?: LedgerPace): Promise<TransactionLedger> {
  return await TransactionLedger.open({
    raft,
    checkpointPath: null,
    ...(pace !== undefined && { pace }),
    logger: silentLogger,
    onFailure(error) {
      throw error;
    },
  });
}

export interface RunningDump {
  readonly reader: DumpReader;
  readonly stream: DumpStream;
  readonly end: Promise<DumpEnd>;
  readonly abort: AbortController;
}

export function startDump(options: {
  readonly raft: ArrayRaft;
  readonly ledger: TransactionLedger;
  readonly clock: Clock;
  readonly executed?: GtidSet;
  readonly request?: Partial<DumpRequest>;
  readonly write?: (bytes: Uint8Array) => Promise<void>;
}): RunningDump {
  const reader = new DumpReader();
  const abort = new AbortController();
  const request: DumpRequest = {
    flags: 0,
    serverId: 7,
    file: '',
    offset: 4n,
    exclude: (options.executed ?? new GtidSet()).encode(),
    sequence: 1,
    heartbeatPeriodNs: 0n,
    replicaUuid: null,
    ...options.request,
  };
  const stream = new DumpStream({
    log: options.raft,
    ledger: options.ledger,
    clock: options.clock,
    timeline: new DumpTimeline({ serverId: sourceServerId, formatDescription }),
    request,
    sink: {
      async write(bytes) {
        reader.push(bytes);
        await options.write?.(bytes);
      },
    },
    unknownGtidWaitMs: 1000,
    signal: abort.signal,
  });
  const end = stream.run();
  // A test that aborts does not look at the reason.
  end.catch(() => undefined);
  return { reader, stream, end, abort };
}

import { fromUtf8 } from '../../../base/bytes.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import type { Simulation } from '../kernel/simulation.ts';
import type { SimMysqlEffect } from '../mysql/effects.ts';
import { eventTypeAt, readGtidAt, u32At } from '../mysql/event-reader.ts';
import type { CommittedLog } from '../node/committed-log.ts';
import type { MysqldHost } from '../node/mysqld-host.ts';
import type { DumpObserver } from '../node/sim-dump.ts';

/** Status byte, semisync magic and flag in front of each event of a dump. */
const prefixBytes = 3;

/** What a dump has brought and no ack has covered yet, in order. */
interface Dumped {
  file: string;
  readonly waiting: { readonly gtid: string; readonly file: string; endOffset: number }[];
}

/**
 * G1: an ack covers only what is committed. G2: no engine, of no node, makes anything visible that is not. G6: each engine
 * commits in the order of the log, and under each GTID what the log has under it. Looked at in the moment in which it happens.
 */
export class VisibilityChecker implements DumpObserver {
  readonly #simulation: Simulation;
  readonly #log: CommittedLog;
  readonly #dumps = new Map<string, Dumped>();
  /** By server: the log index of the newest transaction in this life. */
  readonly #newest = new Map<string, number>();
  #visible = 0;
  #acks = 0;
  #forced = 0;

  constructor(simulation: Simulation, log: CommittedLog) {
    this.#simulation = simulation;
    this.#log = log;
  }

  get counts(): { readonly visible: number; readonly acks: number; readonly forced: number } {
    return { visible: this.#visible, acks: this.#acks, forced: this.#forced };
  }

  started(host: MysqldHost): void {
    this.#newest.set(host.name, 0);
  }

  committed(
    host: MysqldHost,
    { gtid, content, by }: Extract<SimMysqlEffect, { readonly kind: 'committed' }>,
  ): void {
    this.#visible += 1;
    if (gtid === null) {
      this.#simulation.violated('G2', `${host.name} committed by ${by} what has no gtid`);
      return;
    }
    const name = formatGtid(gtid);
    host.process?.log(`visible ${name} ${by}`);
    // A polite shutdown lets go of what waits (H2), which is why the sidecar has none with anything waiting. When somebody else
    // orders it, nobody may be told, nobody may see it, and the server must be rebuilt or the log must hold it: G3, C7, G5.
    if (host.isEndedByAdmin && host.program?.state === 'shutting-down') {
      this.#forced += 1;
      host.process?.log(`forced ${name}`);
      return;
    }
    this.#log.claim(name, 'G2', { who: `${host.name} made visible by ${by}`, content });
    const index = this.#log.find(name)?.finalIndex;
    if (index === undefined || by === 'recovery') return;
    const before = this.#newest.get(host.name) ?? 0;
    this.#simulation.check(
      index > before,
      'G6',
      () => `${host.name} committed ${name} of log index ${index} behind log index ${before}`,
    );
    this.#newest.set(host.name, index);
  }

  attached(server: string): void {
    this.#dumps.set(server, { file: '', waiting: [] });
  }

  received(server: string, pieces: readonly PacketPiece[]): void {
    const dumped = this.#dumps.get(server);
    if (dumped === undefined) return;
    for (const { bytes, isFirst } of pieces) {
      if (isFirst && bytes.length > prefixBytes) this.#note(dumped, bytes.subarray(prefixBytes));
    }
  }

  acked(server: string, position: BinlogPosition): void {
    this.#acks += 1;
    const dumped = this.#dumps.get(server);
    if (dumped === undefined) return;
    for (;;) {
      const [next] = dumped.waiting;
      if (next === undefined) return;
      const isCovered =
        next.file < position.file ||
        (next.file === position.file && BigInt(next.endOffset) <= position.offset);
      if (!isCovered) return;
      dumped.waiting.shift();
      const who = `ack to ${server} for ${position.file}:${position.offset}`;
      this.#log.claim(next.gtid, 'G1', { who });
    }
  }

  #note(dumped: Dumped, event: Uint8Array): void {
    const type = eventTypeAt(event);
    if (type === EventType.rotate) {
      // Its body: eight bytes of position, the name, and a checksum behind it.
      dumped.file = fromUtf8(event.subarray(19 + 8, -4));
      return;
    }
    const { file, waiting } = dumped;
    const endOffset = u32At(event, 13);
    if (type === EventType.gtid) {
      waiting.push({ gtid: formatGtid(readGtidAt(event, 0)), file, endOffset });
      return;
    }
    const newest = waiting.at(-1);
    if (newest?.file === file && endOffset > newest.endOffset) newest.endOffset = endOffset;
  }
}

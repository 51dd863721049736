import { BinlogError } from './binlog-error.ts';
import type { Heartbeat } from './control-events.ts';
import { type EventHeader, isArtificial } from './event-header.ts';
import { EventType } from './event-types.ts';
import type { BinlogPosition } from './position.ts';

const low32 = 0xffff_ffffn;
/**
 * What looks like a longer jump is a step back: an ack for a place too far ahead would release commits that are in no
 * quorum (HAZARDS G1), so nothing is guessed there.
 */
const jumpBytesMax = 0x8000_0000n;

/**
 * Where in the server's files a dump is. An event's header holds only the lower 32 bits of its end and files may be longer,
 * so lengths are added up; the header proves the sum. Behind transactions that the dump left out the sum jumps; MySQL
 * sends a heartbeat with the place first, all 64 bits of it if the dump asked for that (USE_HEARTBEAT_EVENT_V2).
 */
export class PositionTracker {
  #position: BinlogPosition | null = null;

  /** The end of what was received. Null before the first ROTATE. */
  get position(): BinlogPosition | null {
    return this.#position;
  }

  rotate(next: BinlogPosition): void {
    this.#position = next;
  }

  heartbeat({ version, position }: Heartbeat): void {
    const known = this.#position;
    if (known === null || known.file !== position.file) return;
    const offset = version === 2 ? position.offset : atOrBehind(known.offset, position.offset);
    const isTrusted = version === 2 || offset - known.offset < jumpBytesMax;
    if (offset > known.offset && isTrusted) this.#position = { file: known.file, offset };
  }

  /** Moves behind an event. Inside a transaction nothing may be missing in front of it. */
  advance(header: EventHeader, { mayJump }: { readonly mayJump: boolean }): void {
    if (!standsInFile(header)) return;
    const known = this.#position;
    if (known === null) throw malformed('an event before the name of its file');
    const expected = known.offset + BigInt(header.eventSize);
    const end = atOrBehind(expected, BigInt(header.logPos));
    if (end - expected >= (mayJump ? jumpBytesMax : 1n)) {
      throw malformed(
        `an event that ends at ${header.logPos} where ${expected & low32} follows in ${known.file}`,
      );
    }
    this.#position = { file: known.file, offset: end };
  }
}

function standsInFile(header: EventHeader): boolean {
  if (header.type === EventType.heartbeat || header.type === EventType.heartbeatV2) return false;
  if (isArtificial(header)) return false;
  return header.type !== EventType.formatDescription || header.logPos !== 0;
}

/** The smallest offset at or behind `least` with these lower 32 bits. */
function atOrBehind(least: bigint, low: bigint): bigint {
  return least + ((low - least) & low32);
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_BINLOG_MALFORMED', reason);
}

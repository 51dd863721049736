import { assert } from '../../../base/assert.ts';
import { ByteWriter, concatBytes, utf8 } from '../../../base/bytes.ts';
import { binlogMagic } from '../../../mysql-bridge/binlog/binlog-file-scan.ts';
import { buildEvent } from '../../../mysql-bridge/binlog/checksum.ts';
import { EventFlag, eventHeaderBytes } from '../../../mysql-bridge/binlog/event-header.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';

const baseName = 'binlog';
const flagsOffset = binlogMagic.length + 17;
// The tail of MySQL 9.7.4's FORMAT_DESCRIPTION: header length, post-header lengths by event type, checksum algorithm.
const serverVersion = '9.7.4-2';
const postHeaderLengths = Uint8Array.of(
  ...[0x00, 0x0d, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x04, 0x00, 0x00, 0x00],
  ...[0x63, 0x00, 0x04, 0x1a, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00],
  ...[0x00, 0x0a, 0x0a, 0x0a, 0x2a, 0x2a, 0x00, 0x12, 0x34, 0x00, 0x0a, 0x28, 0x00, 0x00],
);
const crc32Algorithm = 1;

/** What an event outside of transactions needs to know of its server. */
export interface EventOrigin {
  readonly serverId: number;
  readonly timestampSeconds: number;
}

/** One binlog file as the operating system has it: pieces as they were appended. */
export class BinlogFile {
  readonly name: string;
  readonly number: number;
  readonly chunks: Uint8Array[] = [];
  #length = 0;
  /** Survives a power cut; the rest may not. */
  syncedLength = 0;

  constructor(number: number) {
    this.number = number;
    this.name = binlogFileName(number);
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Everything, in one piece. */
  bytes(): Uint8Array {
    return concatBytes(this.chunks);
  }

  truncate(length: number): void {
    assert(length <= this.#length, 'a cut makes a file shorter');
    while (this.#length > length) {
      const last = this.chunks.pop() ?? new Uint8Array();
      this.#length -= last.length;
      if (this.#length < length) this.append(last.slice(0, length - this.#length));
    }
    this.syncedLength = Math.min(this.syncedLength, length);
  }

  /** The flag in the head of the file that is cleared when the server closes it. */
  get isInUse(): boolean {
    return ((this.chunks[0]?.[flagsOffset] ?? 0) & EventFlag.binlogInUse) !== 0;
  }

  clearInUse(): void {
    const [head] = this.chunks;
    if (head === undefined) return;
    const cleared = head.slice();
    cleared[flagsOffset] = 0;
    this.chunks[0] = cleared;
  }
}

/** The binlog files and their index. All of it survives a kill; what is not synced may be lost in a power cut. */
export class BinlogFiles {
  readonly #files: BinlogFile[] = [];

  get all(): readonly BinlogFile[] {
    return this.#files;
  }

  get newest(): BinlogFile | null {
    return this.#files.at(-1) ?? null;
  }

  /** Creates the next file: magic, FORMAT_DESCRIPTION, PREVIOUS_GTIDS, synced. */
  open(previous: GtidSet, origin: EventOrigin, isAfterStart: boolean): BinlogFile {
    const file = new BinlogFile((this.newest?.number ?? 0) + 1);
    const format = formatDescription(origin, isAfterStart);
    const body = previous.encode();
    const previousAt = binlogMagic.length + format.length;
    const event = buildEvent(
      {
        timestamp: origin.timestampSeconds,
        type: EventType.previousGtids,
        serverId: origin.serverId,
        logPos: previousAt + eventHeaderBytes + body.length + 4,
        flags: EventFlag.ignorable,
      },
      body,
    );
    file.append(concatBytes([binlogMagic, format, event]));
    file.syncedLength = file.length;
    this.#files.push(file);
    return file;
  }

  /** Ends the newest file with a ROTATE that names the next, or with a STOP, and closes it. */
  close(how: 'rotate' | 'stop', origin: EventOrigin): void {
    const file = this.newest;
    if (file === null) return;
    const body = how === 'rotate' ? rotateBody(file.number + 1) : new Uint8Array();
    const logPos = file.length + eventHeaderBytes + body.length + 4;
    const type = how === 'rotate' ? EventType.rotate : EventType.stop;
    const { serverId, timestampSeconds: timestamp } = origin;
    file.append(buildEvent({ timestamp, type, serverId, logPos, flags: 0 }, body));
    file.clearInUse();
    file.syncedLength = file.length;
  }

  /** RESET: the next file is the first again. */
  clear(): void {
    this.#files.length = 0;
  }
}

export function binlogFileName(number: number): string {
  return `${baseName}.${String(number).padStart(6, '0')}`;
}

/** The number of a file of ours; null for any other name. */
export function binlogFileNumber(name: string): number | null {
  const [, digits] = /^binlog\.(\d{6,10})$/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}

function rotateBody(nextNumber: number): Uint8Array {
  return new ByteWriter()
    .u64(4n)
    .bytes(utf8(binlogFileName(nextNumber)))
    .finish();
}

/** `created` is set in the first file after a start alone: a replica drops temporary tables there. */
function formatDescription(origin: EventOrigin, isAfterStart: boolean): Uint8Array {
  const version = utf8(serverVersion);
  const body = new ByteWriter()
    .u16(4)
    .bytes(version)
    .zeros(50 - version.length)
    .u32(isAfterStart ? origin.timestampSeconds : 0)
    .u8(eventHeaderBytes)
    .bytes(postHeaderLengths)
    .u8(crc32Algorithm)
    .finish();
  const logPos = binlogMagic.length + eventHeaderBytes + body.length + 4;
  return buildEvent(
    {
      timestamp: origin.timestampSeconds,
      type: EventType.formatDescription,
      serverId: origin.serverId,
      logPos,
      flags: EventFlag.binlogInUse,
    },
    body,
  );
}

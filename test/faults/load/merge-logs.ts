import { once } from 'node:events';
import {
  closeSync,
  createWriteStream,
  existsSync,
  openSync,
  readSync,
  type WriteStream,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { HistoryValue } from '../../../history/history.ts';
import { ednLine, jsonLine, type WrittenEvent } from '../../../history/write/event-writer.ts';
import type { JsonValue, LoggedEvent } from './operation-log.ts';

/** What a nemesis did, on the clock of the histories. */
export interface TimedNote {
  readonly timeNanos: number;
  readonly nemesis: string;
  readonly phase: 'begin' | 'end';
  readonly detail: string;
}

export interface MergedLogs {
  readonly jsonLinesFile: string;
  readonly ednFile: string;
  /** By stream: its own history as JSON lines. */
  readonly streamFiles: ReadonlyMap<string, string>;
  readonly eventCount: number;
}

type TimedEvent = LoggedEvent & { readonly time: number };

interface Source {
  readonly events: Iterator<TimedEvent>;
  head: TimedEvent;
}

const chunkBytes = 1 << 20;

/**
 * The logs of all client processes and the notes of the nemesis as one history by time, in both forms, and one history per stream
 * beside it. Of equal times a call comes first: the operations then overlap, which claims less than an order.
 */
export async function mergeLogs(
  logFiles: readonly string[],
  notes: readonly TimedNote[],
  out: string,
): Promise<MergedLogs> {
  const folder = join(out, 'histories');
  await mkdir(folder, { recursive: true });
  const files = { jsonLinesFile: join(out, 'history.jsonl'), ednFile: join(out, 'history.edn') };
  await using writers = new HistoryWriters(folder, files);
  let index = 0;
  const waiting = notes.toSorted((one, other) => one.timeNanos - other.timeNanos);
  const noteUntil = async (time: number): Promise<void> => {
    for (let [note] = waiting; note !== undefined && note.timeNanos <= time; [note] = waiting) {
      waiting.shift();
      await writers.write(noteEvent(note, index), null);
      index += 1;
    }
  };
  for (const event of inOrder(logFiles)) {
    await noteUntil(event.time);
    await writers.write(writtenEvent(event, index), event.stream);
    index += 1;
  }
  await noteUntil(Number.POSITIVE_INFINITY);
  return { ...files, streamFiles: writers.streamFiles, eventCount: index };
}

function* inOrder(logFiles: readonly string[]): Generator<TimedEvent> {
  // A client that could not even start has none, and is complained of by its slot.
  const sources = logFiles
    .filter((file) => existsSync(file))
    .flatMap((file): Source[] => {
      const events = eventsOf(file);
      const first = events.next();
      return first.done === true ? [] : [{ events, head: first.value }];
    });
  for (;;) {
    const [first, ...others] = sources;
    if (first === undefined) return;
    const source = others.reduce(
      (best, other) => (isBefore(other.head, best.head) ? other : best),
      first,
    );
    yield source.head;
    const next = source.events.next();
    if (next.done === true) sources.splice(sources.indexOf(source), 1);
    else source.head = next.value;
  }
}

function isBefore(one: TimedEvent, other: TimedEvent): boolean {
  if (one.time !== other.time) return one.time < other.time;
  return one.type === 'invoke' && other.type !== 'invoke';
}

/** One by one; a line that its process was killed within is none. */
function* eventsOf(file: string): Generator<TimedEvent> {
  for (const line of linesOf(file)) {
    const event = eventIn(line);
    if (event !== null) yield event;
  }
}

function eventIn(line: string): TimedEvent | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let rest: Buffer = Buffer.alloc(0);
    for (let count = readSync(descriptor, chunk); count > 0; count = readSync(descriptor, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        if (end > from) yield bytes.toString('utf8', from, end);
        from = end + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
    // Without its newline a line is not whole.
  } finally {
    closeSync(descriptor);
  }
}

function writtenEvent(event: TimedEvent, index: number): WrittenEvent {
  const { process, type, f, value, stream, node, error, time } = event;
  const extra = { stream, node, ...(error !== undefined && { error }) };
  return { process, type, f, value: historyValue(value), timeNanos: time, index, extra };
}

function noteEvent({ timeNanos, nemesis, phase, detail }: TimedNote, index: number): WrittenEvent {
  return {
    process: 'nemesis',
    type: 'info',
    f: `${phase}-${nemesis}`,
    value: detail,
    timeNanos,
    index,
  };
}

function historyValue(value: JsonValue): HistoryValue {
  if (Array.isArray(value)) return value.map(historyValue);
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([key, held]) => [key, historyValue(held)]));
  }
  return value as HistoryValue;
}

/** Open files: the whole history in two forms, and one per stream. */
class HistoryWriters implements AsyncDisposable {
  readonly streamFiles: Map<string, string> = new Map();
  readonly #folder: string;
  readonly #edn: WriteStream;
  readonly #json: WriteStream;
  readonly #streams = new Map<string, WriteStream>();

  constructor(folder: string, files: { readonly jsonLinesFile: string; readonly ednFile: string }) {
    this.#folder = folder;
    this.#edn = createWriteStream(files.ednFile);
    this.#json = createWriteStream(files.jsonLinesFile);
  }

  /** A note of the nemesis, which has no stream, is in all that there are. */
  async write(event: WrittenEvent, stream: string | null): Promise<void> {
    const json = `${jsonLine(event)}\n`;
    await put(this.#edn, `${ednLine(event)}\n`);
    await put(this.#json, json);
    const targets = stream === null ? [...this.#streams.values()] : [this.#stream(stream)];
    for (const target of targets) await put(target, json);
  }

  #stream(name: string): WriteStream {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const file = join(this.#folder, `${name}.jsonl`);
    const created = createWriteStream(file);
    this.#streams.set(name, created);
    this.streamFiles.set(name, file);
    return created;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.#edn, this.#json, ...this.#streams.values()];
    for (const each of all) each.end();
    await Promise.all(all.map((each) => finished(each)));
  }
}

async function put(stream: WriteStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}

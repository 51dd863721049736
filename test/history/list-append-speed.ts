import { writeSync } from 'node:fs';
import { SeededRandom } from '../../base/random.ts';
import type { HistoryValue, Operation } from '../../history/history.ts';
import { consistencyLevels } from '../../history/list-append/consistency.ts';
import { createListAppendModel } from '../../history/list-append/list-append-model.ts';
import { readHistory } from '../../history/parse/read-history.ts';
import { isArray } from '../../history/values.ts';
import { runStore } from './list-append/store.ts';

// How long it takes to read and judge 100,000 transactions. Run by hand:
// node test/history/list-append-speed.ts [transactions] [clients] [appends per key]

const transactionCount = Number(process.argv[2] ?? 100_000);
const clientCount = Number(process.argv[3] ?? 50);
const appendsPerKey = Number(process.argv[4] ?? 256);
const limits = { memoryBytesMax: 4 * 1024 ** 3, stepsMax: 1_000_000_000 };
const pieceCharacters = 1 << 16;

const operations = runStore({
  random: new SeededRandom(1),
  isolation: 'strict-serializable',
  transactionCount,
  clientCount,
  keyCount: 10,
  appendsPerKey,
  stepsMax: 4,
  failPercent: 2,
  infoPercent: 1,
});
say(`${transactionCount} transactions of ${clientCount} clients, ${appendsPerKey} appends per key`);

for (const [format, toText] of [
  ['edn', ednLine],
  ['jsonl', (event: Event): string => JSON.stringify(event)],
] as const) {
  const text = eventsOf(operations).map(toText).join('\n');
  let history: { readonly operations: readonly Operation[] } = { operations: [] };
  const seconds = measure(() => {
    history = readHistory(inPieces(text), { format });
  });
  say(`${format}: ${Math.round(text.length / 1e6)} MB read in ${seconds}`);
  for (const consistency of consistencyLevels) {
    let kind = '';
    const taken = measure(() => {
      kind = createListAppendModel({ consistency }).check(history.operations, limits).kind;
    });
    say(`  ${consistency}: ${kind} in ${taken}`);
  }
}

interface Event {
  readonly type: string;
  readonly process: number | string;
  readonly f: string;
  readonly value: HistoryValue;
}

function eventsOf(told: readonly Operation[]): Event[] {
  return told
    .flatMap(({ process: client, f, input, output, outcome, callAt, endAt }) => {
      const called = { at: callAt, event: { type: 'invoke', process: client, f, value: input } };
      const value = outcome === 'ok' ? output : input;
      const at = Number.isFinite(endAt) ? endAt : callAt + 0.5;
      return [called, { at, event: { type: outcome, process: client, f, value } }];
    })
    .sort((one, other) => one.at - other.at)
    .map(({ event }) => event);
}

function ednLine({ type, process: client, f, value }: Event): string {
  return `{:type :${type}, :process ${client}, :f :${f}, :value ${edn(value)}}`;
}

function edn(value: HistoryValue): string {
  if (isArray(value)) return `[${value.map(edn).join(' ')}]`;
  if (value === null) return 'nil';
  return typeof value === 'string' ? `:${value}` : String(value);
}

function inPieces(text: string): () => string | null {
  let place = 0;
  return () => {
    if (place >= text.length) return null;
    place += pieceCharacters;
    return text.slice(place - pieceCharacters, place);
  };
}

/** By the clock, and by the processor, where others use the machine too. */
function measure(work: () => void): string {
  const usedBefore = process.cpuUsage();
  const startedAt = performance.now();
  work();
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(usedBefore);
  return `${seconds.toFixed(2)} s (${((used.user + used.system) / 1e6).toFixed(2)} s of processor)`;
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

import { writeSync } from 'node:fs';
import { SeededRandom } from '../../base/random.ts';
import { consistencyLevels } from '../../history/list-append/consistency.ts';
import { createListAppendModel } from '../../history/list-append/list-append-model.ts';
import { runStore } from './list-append/store.ts';

// How long a history of 100,000 transactions takes. Run by hand: node test/history/list-append-speed.ts [transactions] [clients]

const transactionCount = Number(process.argv[2] ?? 100_000);
const clientCount = Number(process.argv[3] ?? 50);
const limits = { memoryBytesMax: 4 * 1024 ** 3, stepsMax: 1_000_000_000 };

const operations = runStore({
  random: new SeededRandom(1),
  isolation: 'strict-serializable',
  transactionCount,
  clientCount,
  keyCount: 10,
  appendsPerKey: 256,
  stepsMax: 4,
  failPercent: 2,
  infoPercent: 1,
});
say(`${transactionCount} transactions of ${clientCount} clients`);
for (const consistency of consistencyLevels) {
  const before = process.memoryUsage.rss();
  const startedAt = performance.now();
  const verdict = createListAppendModel({ consistency }).check(operations, limits);
  const seconds = (performance.now() - startedAt) / 1000;
  const mebibytes = Math.round((process.memoryUsage.rss() - before) / 1024 ** 2);
  const counts = verdict.kind === 'undecided' ? [] : [...verdict.counts];
  say(
    `${consistency}: ${verdict.kind} in ${seconds.toFixed(2)} s, +${mebibytes} MiB; ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`,
  );
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

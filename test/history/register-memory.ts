import { SeededRandom } from '../../base/random.ts';
import { checkLimits } from '../../history/check-history.ts';
import { createCasRegister } from '../../history/models/register.ts';
import { concurrentRegister } from './support/concurrent-register.ts';

// Memory and time of histories of 50 clients that never rest, as a command: node test/history/register-memory.ts

const clients = 50;
const cases = [
  { what: 'unique values', operations: 100_000, values: 0, timeoutEvery: 100 },
  { what: '5 values', operations: 20_000, values: 5, timeoutEvery: 0 },
  { what: '5 values, time-outs', operations: 20_000, values: 5, timeoutEvery: 100 },
  // Nearly unique values leave no shortcut: this one gives up, within its memory.
  { what: '100 values', operations: 20_000, values: 100, timeoutEvery: 0 },
];

for (const { what, ...options } of cases) {
  const operations = concurrentRegister(new SeededRandom(7), { clients, ...options });
  const startedAt = performance.now();
  const verdict = createCasRegister().check(operations, checkLimits);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  const reason = verdict.kind === 'undecided' ? ` (${verdict.reason})` : '';
  process.stdout.write(
    `${what}: ${operations.length} operations, ${verdict.kind}${reason}, ${seconds} s, peak ${peak} MiB\n`,
  );
}

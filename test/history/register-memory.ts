import { SeededRandom } from '../../base/random.ts';
import { checkLimits } from '../../history/check-history.ts';
import { createCasRegister } from '../../history/models/register.ts';
import { concurrentRegister } from './support/concurrent-register.ts';

// Memory and time of histories of 50 clients that never rest, as a command: node test/history/register-memory.ts

const clients = 50;
const cases = [
  { what: 'unique values', operations: 20_000, values: 0, timeoutEvery: 100, forge: false },
  { what: '5 values', operations: 20_000, values: 5, timeoutEvery: 0, forge: false },
  { what: '5 values, time-outs', operations: 20_000, values: 5, timeoutEvery: 100, forge: false },
  { what: '5 values, a stale read', operations: 20_000, values: 5, timeoutEvery: 0, forge: true },
  { what: '100 values', operations: 20_000, values: 100, timeoutEvery: 1000, forge: false },
  {
    what: '100 values, a stale read',
    operations: 20_000,
    values: 100,
    timeoutEvery: 0,
    forge: true,
  },
];

for (const { what, forge, ...options } of cases) {
  const honest = concurrentRegister(new SeededRandom(7), { clients, ...options });
  const victim = honest.findLast(({ f, outcome }) => f === 'read' && outcome === 'ok');
  const operations = honest.map((operation) =>
    forge && operation === victim
      ? { ...operation, output: (Number(operation.output) % options.values) + 1 }
      : operation,
  );
  const startedAt = performance.now();
  const verdict = createCasRegister().check(operations, checkLimits);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  const told =
    verdict.kind === 'invalid'
      ? `${verdict.anomalies[0]?.name} in ${verdict.anomalies[0]?.operations.length} operations`
      : verdict.kind === 'undecided'
        ? verdict.reason
        : '';
  process.stdout.write(
    `${what}: ${operations.length} operations, ${verdict.kind} ${told}, ${seconds} s, peak ${peak} MiB\n`,
  );
}

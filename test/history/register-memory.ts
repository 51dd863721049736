import { SeededRandom } from '../../base/random.ts';
import { checkLimits } from '../../history/check-history.ts';
import { createCasRegister } from '../../history/models/register.ts';
import { concurrentRegister } from './support/concurrent-register.ts';

// Memory and time of histories of 50 clients that never rest, as a command: node test/history/register-memory.ts

const clients = 50;
const cases = [0, 5, 100].flatMap((values) =>
  [0, 100, 20].map((timeoutEvery) => ({
    what: `${values === 0 ? 'unique' : values} values, ${timeoutEvery === 0 ? 'no time-outs' : `a time-out in ${timeoutEvery}`}`,
    operations: 20_000,
    values,
    timeoutEvery,
  })),
);

for (const { what, ...options } of cases) {
  const operations = concurrentRegister(new SeededRandom(7), { clients, ...options });
  const usedBefore = process.cpuUsage();
  const verdict = createCasRegister().check(operations, checkLimits);
  const used = process.cpuUsage(usedBefore);
  const seconds = ((used.user + used.system) / 1e6).toFixed(2);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  const reason = verdict.kind === 'undecided' ? ` (${verdict.reason})` : '';
  process.stdout.write(
    `${what}: ${operations.length} operations, ${verdict.kind}${reason}, ${seconds} s of processor, peak ${peak} MiB\n`,
  );
}

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/eventually.ts';
import { forgetRun, removeRun } from './leftovers.ts';
import { identityIn, isAlive } from './run-identity.ts';

// Waits for the end of a run and removes what it left: `node guard-process.ts NAME`, with an input that ends with the run.

/** Tools that the run had started a moment before its end may still make something. */
const sweeps = 3;
const sweepEveryMs = 1_000;

const run = identityIn(process.argv[2] ?? '');
if (run === null) throw new Error('usage: guard-process NAME-OF-A-RUN');
process.stdin.resume();
await once(process.stdin, 'close');
await until(() => !isAlive(run), `${run.name} is gone`);
for (let sweep = 0; sweep < sweeps; sweep += 1) {
  await removeRun(run);
  await delay(sweepEveryMs);
}
await forgetRun(run, { hasVerdict: false });

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { catalogue } from '../faults/nemesis/catalogue.ts';
import { planFaults } from '../faults/plan.ts';

// Goal: each run of the tests does faults of every kind to a real cluster.
// Method: `npm run test:faults` for three minutes, every workload, every nemesis that this machine can do; a small rate and patient nodes, so
// that two cores with something else to do keep up. The plan is always the same, so that a run that fails speaks of what was changed; what
// comes of it never is, on a real machine. Plans that nobody has seen are for the command, which draws its seed.

const program = fileURLToPath(new URL('../faults/run.ts', import.meta.url));
/** Draws each nemesis of the catalogue at least once. */
const seed = 363_693_114;
const minutes = 3;

test('three minutes of mixed faults break no promise, and every fault is seen to happen', async () => {
  const plan = planFaults({ seed, durationMs: minutes * 60_000, nemeses: catalogue });
  const planned = new Set(plan.map(({ nemesis }) => nemesis));
  expect([...planned].toSorted()).toEqual(catalogue.map(({ name }) => name).toSorted());
  const args = [
    '--minutes',
    String(minutes),
    '--rate',
    '40',
    '--tick-ms',
    '100',
    '--base-port',
    '27500',
  ];
  args.push('--seed', String(seed));
  process.stdout.write(`fault tests; again: npm run test:faults -- ${args.join(' ')}\n`);
  // Stays when something was found: histories, logs and a page to look at.
  const out = mkdtempSync(join(tmpdir(), 'binraft-faults-mixed-'));
  const child = spawn(process.execPath, [program, ...args, '--out', out], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.stdout.write(output);

  expect(status, output).toBe(0);
  expect(output).toContain('every check held');
  rmSync(out, { recursive: true, force: true });
});

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// Goal: each run of the tests does faults to a real cluster, in an order and at places that nobody has seen yet.
// Method: `npm run test:faults` for three minutes, every workload, every nemesis that this machine can do; a small rate and patient nodes, so
// that two cores with something else to do keep up. A verdict that is not sound is a find, whatever was changed last.

const program = fileURLToPath(new URL('../faults/run.ts', import.meta.url));
const seedEnd = 1_000_000_000;

test('three minutes of mixed faults break no promise, and every fault is seen to happen', async () => {
  const seed = randomInt(1, seedEnd);
  const args = ['--minutes', '3', '--rate', '40', '--tick-ms', '100', '--base-port', '27500'];
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

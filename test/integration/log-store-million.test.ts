import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openLevelLogStore } from '../../log-store/index.ts';
import { batch, entry, levelOptions, temporaryDirectory } from '../log-store/support.ts';
import type { OpenCost } from './log-store-opener.ts';

const run = promisify(execFile);
const mebibyte = 1024 * 1024;

test('a log of 1,000,000 entries opens quickly and in little memory', async () => {
  // Goal: a node is back soon, however long its log. Method: the memory of a process that opens the long log is compared
  // with one that opens a log a hundredth as long. Time is that of the processor, and its bound is generous, as machines differ.
  await using short = await temporaryDirectory();
  await using long = await temporaryDirectory();
  await buildLog(short.path, 10_000);
  await buildLog(long.path, 1_000_000);

  const shortCost = await openInProcess(short.path);
  const longCost = await openInProcess(long.path);

  process.stdout.write(
    `opened 1,000,000 entries in ${Math.round(longCost.tookMs)} ms (10,000: ${Math.round(shortCost.tookMs)} ms), ` +
      `${Math.round((longCost.memoryBytes ?? 0) / mebibyte)} MiB (${Math.round((shortCost.memoryBytes ?? 0) / mebibyte)} MiB)\n`,
  );
  expect(longCost.lastIndex).toBe(1_000_000);
  expect(longCost.cpuMs).toBeLessThan(10_000);
  const grownBytes = (longCost.memoryBytes ?? 0) - (shortCost.memoryBytes ?? 0);
  expect(grownBytes).toBeLessThan(128 * mebibyte);
});

async function openInProcess(directory: string): Promise<OpenCost> {
  const script = new URL('./log-store-opener.ts', import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [script, directory]);
  return JSON.parse(stdout) as OpenCost;
}

async function buildLog(directory: string, length: number): Promise<void> {
  const store = await openLevelLogStore(levelOptions(directory));
  const payload = new Uint8Array(200).map((_byte, index) => index * 31);
  const batchLength = 5000;
  for (let first = 1; first <= length; first += batchLength) {
    const entries = Array.from({ length: batchLength }, (_, offset) =>
      entry(first + offset, 1 + Math.floor(first / 50_000), payload),
    );
    await store.write(batch({ entries }));
  }
  await store.close();
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openLevelLogStore } from '../../log-store/index.ts';
import { batch, entry, levelOptions, temporaryDirectory } from '../log-store/support.ts';
import type { RereadCost } from './log-store-rereader.ts';

const run = promisify(execFile);

test('a log that is read again and again leaves nothing behind that V8 does not count', async () => {
  // Goal: memory of a node does not grow with what it reads. Method: what a process has besides its heap, before and after 600,000
  // records. An iterator of the engine that is closed full keeps its records until V8 collects everything: 130 MiB of these.
  await using folder = await temporaryDirectory();
  const store = await openLevelLogStore(levelOptions(folder.path));
  const payload = new Uint8Array(100).fill(7);
  const entries = Array.from({ length: 10_000 }, (_, place) => entry(1 + place, 1, payload));
  await store.write(batch({ entries }));
  await store.close();

  const script = new URL('./log-store-rereader.ts', import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [script, folder.path, '60']);
  const cost = JSON.parse(stdout) as RereadCost;

  process.stdout.write(
    `read ${cost.records} records: ${Math.round(cost.nativeMiBBefore)} MiB besides the heap, then ${Math.round(cost.nativeMiB)}\n`,
  );
  expect(cost.records).toBe(600_000);
  expect(cost.nativeMiB - cost.nativeMiBBefore).toBeLessThan(64);
});

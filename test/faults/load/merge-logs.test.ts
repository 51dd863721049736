import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readHistory } from '../../../history/parse/read-history.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { mergeLogs } from './merge-logs.ts';

function logOf(folder: string, name: string, events: readonly object[], tail = ''): string {
  const file = join(folder, name);
  writeFileSync(file, events.map((one) => `${JSON.stringify(one)}\n`).join('') + tail);
  return file;
}

const event = (time: number, process: number, type: string, change: object = {}): object => ({
  time,
  process,
  type,
  f: 'add',
  value: process,
  stream: 'set',
  node: 'n1',
  ...change,
});

test('logs of several processes become one history by time, in both forms, and one per stream', async () => {
  using folder = temporaryFolder();
  const { path } = folder;
  const logs = [
    logOf(path, 'a', [event(10, 0, 'invoke'), event(30, 0, 'ok')]),
    logOf(path, 'b', [
      event(20, 1, 'invoke', { stream: 'bank', f: 'read', value: null }),
      event(40, 1, 'ok', { stream: 'bank', f: 'read', value: { 0: 100 } }),
    ]),
  ];
  const note = { nemesis: 'kill', detail: 'n1 was killed' };
  const merged = await mergeLogs(
    logs,
    [
      { ...note, timeNanos: 25, phase: 'begin' },
      { ...note, timeNanos: 99, phase: 'end' },
    ],
    path,
  );
  expect(merged.eventCount).toBe(6);
  for (const file of [merged.jsonLinesFile, merged.ednFile]) {
    const pieces = [readFileSync(file, 'utf8')];
    const { operations, nemesis } = readHistory(() => pieces.pop() ?? null, { name: file });
    expect(
      operations.map(({ f, callNanos, endNanos, outcome }) => [f, callNanos, endNanos, outcome]),
    ).toEqual([
      ['add', 10, 30, 'ok'],
      ['read', 20, 40, 'ok'],
    ]);
    expect(nemesis.map(({ f }) => f)).toEqual(['begin-kill', 'end-kill']);
  }
  expect([...merged.streamFiles.keys()]).toEqual(['set', 'bank']);
  expect(readFileSync(merged.streamFiles.get('bank') ?? '', 'utf8')).not.toContain('"add"');
});

test('of equal times the call comes first, so that nothing is said to be over that may not be', async () => {
  using folder = temporaryFolder();
  const logs = [
    logOf(folder.path, 'a', [event(10, 0, 'invoke'), event(20, 0, 'ok')]),
    logOf(folder.path, 'b', [event(20, 1, 'invoke'), event(30, 1, 'ok')]),
  ];
  const { jsonLinesFile } = await mergeLogs(logs, [], folder.path);
  const pieces = [readFileSync(jsonLinesFile, 'utf8')];
  const { operations } = readHistory(() => pieces.pop() ?? null);
  const [first, second] = operations;
  expect(second?.callAt).toBeLessThan(first?.endAt ?? 0);
});

test('a line within which its process was killed is left out, and so is a log that never was', async () => {
  using folder = temporaryFolder();
  const whole = `${JSON.stringify(event(50, 1, 'invoke'))}\n`;
  const log = logOf(
    folder.path,
    'a',
    [event(10, 0, 'invoke')],
    `{"time":20,"proc\n${whole}{"time":60`,
  );
  const merged = await mergeLogs([log, join(folder.path, 'none')], [], folder.path);
  expect(merged.eventCount).toBe(2);
});

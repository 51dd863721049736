import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { OperationLog } from './operation-log.ts';
import { Abandoned, DefiniteFailure, endingOf } from './outcome.ts';
import { Recorder, Tally } from './recorder.ts';
import { UniqueNumbers } from './unique-numbers.ts';

const asked = { stream: 'set', f: 'add', input: 7, node: 'n1' };

function linesOf(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function recorderIn(folder: string): {
  readonly recorder: Recorder;
  readonly tally: Tally;
  readonly file: string;
} {
  const file = join(folder, 'client.jsonl');
  const tally = new Tally();
  const log = new OperationLog(file, process.hrtime.bigint());
  return { recorder: new Recorder({ log, tally, numbers: new UniqueNumbers(2, 0) }), tally, file };
}

test('an operation is in the file before it is tried, and its end after', async () => {
  using folder = temporaryFolder();
  const { recorder, file } = recorderIn(folder.path);
  const recorded = await recorder.record(asked, () => {
    expect(linesOf(file).map(({ type }) => type)).toEqual(['invoke']);
    return Promise.resolve(8);
  });
  expect(recorded).toEqual({ type: 'ok', output: 8 });
  const [call, end] = linesOf(file);
  expect(call).toMatchObject({
    process: 2,
    type: 'invoke',
    f: 'add',
    value: 7,
    stream: 'set',
    node: 'n1',
  });
  expect(end).toMatchObject({ process: 2, type: 'ok', value: 8 });
  expect(Number(end?.['time'])).toBeGreaterThan(Number(call?.['time']));
});

test('what nobody knows the end of is info, retires its process number, and is tried once (C9)', async () => {
  using folder = temporaryFolder();
  const { recorder, tally, file } = recorderIn(folder.path);
  let attempts = 0;
  const lose = (): Promise<never> => {
    attempts += 1;
    return Promise.reject(new Error('Connection lost: The server closed the connection.'));
  };
  await recorder.record(asked, lose);
  await recorder.record(asked, () => Promise.reject(new DefiniteFailure('not there')));
  await recorder.record(asked, () => Promise.resolve(null));
  expect(attempts).toBe(1);
  const ends = linesOf(file).filter(({ type }) => type !== 'invoke');
  expect(ends.map(({ type, process: number }) => [type, number])).toEqual([
    ['info', 2],
    ['fail', 18],
    ['ok', 18],
  ]);
  expect(tally.counts).toEqual({ ok: 1, writes: 1, failed: 1, unknown: 1 });
});

test('an answer of a server is definite, but for the one that says it is not', () => {
  const answer = (errno: number, sqlState: string): Error =>
    Object.assign(new Error('no'), { errno, sqlState });
  expect(endingOf(answer(1213, '40001')).type).toBe('fail');
  expect(endingOf(answer(1105, '08007')).type).toBe('info');
  expect(
    endingOf(Object.assign(new Error('reset'), { code: 'ECONNRESET', errno: -104 })).type,
  ).toBe('info');
  expect(endingOf(new Abandoned('gone')).type).toBe('info');
  expect(endingOf(new DefiniteFailure('before commit')).type).toBe('fail');
});

test('a process killed within an operation leaves its call, and its next life goes on behind it', () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'client.jsonl');
  const program = `
    const { OperationLog } = await import(${JSON.stringify(new URL('./operation-log.ts', import.meta.url).href)});
    const log = new OperationLog(${JSON.stringify(file)}, 0n);
    log.write({ process: 1, type: 'invoke', f: 'add', value: 1, stream: 'unknown', node: 'n1' });
    process.kill(process.pid, 'SIGKILL');`;
  for (const life of [1, 2]) {
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    expect(signal).toBe('SIGKILL');
    expect(linesOf(file)).toHaveLength(life);
  }
  const [first, second] = linesOf(file);
  expect(Number(second?.['time'])).toBeGreaterThan(Number(first?.['time']));
});

test('numbers of different processes and lives never meet', () => {
  const all = [new UniqueNumbers(0, 0), new UniqueNumbers(1, 0), new UniqueNumbers(0, 1)].flatMap(
    (numbers) => Array.from({ length: 100 }, () => numbers.next()),
  );
  expect(new Set(all).size).toBe(300);
});

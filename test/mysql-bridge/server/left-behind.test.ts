import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import { dataDirectoryArgument, killLeftBehind } from '../../../mysql-bridge/server/left-behind.ts';

const clock = new SystemClock();

/** A process that ignores polite signals and carries `argument` on its command line. */
async function stubborn(argument: string): Promise<ChildProcess> {
  const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
  const child = spawn('sh', ['-c', script, 'mysqld', argument], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

test('a server left behind on our data folder is killed, and one of another folder is not', async () => {
  const folder = `/nowhere/${process.pid}/data`;
  const ours = await stubborn(dataDirectoryArgument(folder));
  const others = await stubborn(dataDirectoryArgument(`${folder}-of-another`));
  const exits = once(ours, 'exit');

  const killed = await killLeftBehind([folder], clock);

  expect(killed).toEqual([ours.pid]);
  expect((await exits)[1]).toBe('SIGKILL');
  expect(others.exitCode).toBeNull();
  expect(others.kill(0)).toBe(true);
  others.kill('SIGKILL');
});

test('with nothing left behind nothing is done', async () => {
  expect(await killLeftBehind([`/nowhere/${process.pid}/other`], clock)).toEqual([]);
});

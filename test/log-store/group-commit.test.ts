import { expect, test } from 'vitest';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { GroupCommit } from '../../log-store/group-commit.ts';
import { rejection } from './support.ts';

/** A disk whose writes end when the test says so. */
function manualDisk(): {
  readonly groups: number[][];
  readonly ends: Deferred<void>[];
  readonly carryOut: (group: readonly number[]) => Promise<void>;
} {
  const groups: number[][] = [];
  const ends: Deferred<void>[] = [];
  return {
    groups,
    ends,
    carryOut: (group) => {
      const end = deferred();
      groups.push([...group]);
      ends.push(end);
      return end.promise;
    },
  };
}

test('what waits while a write is under way becomes the next write, up to its size', async () => {
  const { groups, ends, carryOut } = manualDisk();
  const commits = new GroupCommit({ carryOut, groupBytesMax: 100, queueBytesMax: 1000 });

  const all = [commits.submit(1, 40)];
  await Promise.resolve();
  for (const item of [2, 3, 4]) all.push(commits.submit(item, 40));
  all.push(commits.submit(5, 500), commits.submit(6, 10));
  for (let write = 0; groups.length > 0 && write < groups.length; write += 1) {
    ends[write]?.resolve();
    await new Promise(setImmediate);
  }
  await Promise.all(all);

  // An item above the size is written alone, not refused.
  expect(groups).toEqual([[1], [2, 3], [4], [5], [6]]);
});

test('more than the queue may hold is refused before it is taken, and can be tried again', async () => {
  const { ends, carryOut } = manualDisk();
  const commits = new GroupCommit({ carryOut, groupBytesMax: 100, queueBytesMax: 100 });
  expect(commits.admission(5000)).toBeNull();

  const write = commits.submit(1, 80);

  expect(commits.admission(20)).toBeNull();
  expect(commits.admission(21)).toMatchObject({ code: 'LOG_STORE_QUEUE_FULL', retryable: true });
  await new Promise(setImmediate);
  ends[0]?.resolve();
  await write;
  await new Promise(setImmediate);
  expect(commits.admission(100)).toBeNull();
});

test('a write that fails after close() is still told to its caller', async () => {
  const { ends, carryOut } = manualDisk();
  const commits = new GroupCommit({ carryOut, groupBytesMax: 100, queueBytesMax: 100 });
  const write = rejection(commits.submit(1, 1));
  await new Promise(setImmediate);

  const closing = commits.close();
  ends[0]?.reject(new Error('EIO: input/output error, fdatasync'));

  expect(await write).toMatchObject({ code: 'LOG_STORE_FAILED' });
  await closing;
});

import { expect, test } from 'vitest';
import { logIndex } from '../../raft/core/types.ts';
import { NotLeaderError } from '../../raft/errors.ts';
import { WaitingReads } from '../../raft/waiting-reads.ts';

test('callers share a round until the machine was told of it', async () => {
  const reads = new WaitingReads();
  const first = reads.join();
  const second = reads.join();
  expect([first.opened, second.opened]).toEqual([1, null]);

  reads.seal(1);
  const third = reads.join();
  reads.ready(1, logIndex(5));

  expect(third.opened).toBe(2);
  expect(await Promise.all([first.promise, second.promise])).toEqual([5, 5]);
  reads.ready(2, logIndex(6));
  expect(await third.promise).toBe(6);
});

test('a rejection reaches everybody who waits for the round', async () => {
  const reads = new WaitingReads();
  const callers = [reads.join(), reads.join()];

  reads.rejected(1, new NotLeaderError(null));

  for (const { promise } of callers) {
    await expect(promise).rejects.toMatchObject({ code: 'RAFT_NOT_LEADER', leaderId: null });
  }
});

test('reads past the maximum are refused at once', async () => {
  const reads = new WaitingReads();
  const waiting = Array.from({ length: 65_536 }, () => reads.join().promise);

  await expect(reads.join().promise).rejects.toMatchObject({ code: 'RAFT_TOO_MANY_IN_FLIGHT' });

  reads.ready(1, logIndex(1));
  await Promise.all(waiting);
  expect(reads.join().opened).not.toBeNull();
});

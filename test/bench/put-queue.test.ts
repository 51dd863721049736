import { setImmediate as nextGo } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PutQueue } from '../../bench/put-queue.ts';
import { term } from '../../raft/index.ts';
import { ArrayRaft } from '../support/array-raft.ts';

const mebibyte = 1024 * 1024;

function leaderWithQueue(): { raft: ArrayRaft; queue: PutQueue } {
  const raft = new ArrayRaft([], { role: 'leader' });
  return { raft, queue: new PutQueue(raft) };
}

/** What has become of a put so far. */
function follow(put: Promise<{ readonly index: number }>): { outcome: string } {
  const state = { outcome: 'open' };
  put.then(
    ({ index }) => {
      state.outcome = `at ${index}`;
    },
    (error: { code?: string }) => {
      state.outcome = error.code ?? String(error);
    },
  );
  return state;
}

test('puts are acknowledged when they are committed, not when they are appended', async () => {
  const { raft, queue } = leaderWithQueue();
  const first = follow(queue.put(Uint8Array.of(1)));
  const second = follow(queue.put(Uint8Array.of(2)));
  await nextGo();
  expect(raft.status.lastIndex).toBe(2);

  raft.commit(1);
  await nextGo();
  expect([first.outcome, second.outcome]).toEqual(['at 1', 'open']);

  raft.commit(2);
  await nextGo();
  expect(second.outcome).toBe('at 2');
});

test('a put larger than an entry is cut, proposed as far as there is room, and acknowledged with its last piece', async () => {
  const { raft, queue } = leaderWithQueue();
  const put = follow(queue.put(new Uint8Array(12 * mebibyte + 1)));
  await nextGo();
  expect(raft.status.lastIndex).toBe(8);

  raft.commit(5);
  await nextGo();
  await nextGo();
  expect(raft.status.lastIndex).toBe(13);
  raft.commit(12);
  await nextGo();
  expect(put.outcome).toBe('open');

  raft.commit(13);
  await nextGo();
  expect(put.outcome).toBe('at 13');
});

test('when leadership is lost, all puts under way fail, those that wait for room too', async () => {
  const { raft, queue } = leaderWithQueue();
  const proposed = follow(queue.put(Uint8Array.of(1)));
  const large = follow(queue.put(new Uint8Array(9 * mebibyte)));
  await nextGo();

  raft.change({ role: 'follower' });
  await nextGo();

  expect([proposed.outcome, large.outcome]).toEqual(['RAFT_NOT_LEADER', 'RAFT_NOT_LEADER']);
});

test('a commit of a later term acknowledges nothing that was proposed in an earlier one', async () => {
  const { raft, queue } = leaderWithQueue();
  const put = follow(queue.put(Uint8Array.of(1)));
  await nextGo();

  raft.change({ term: term(3), commitIndex: raft.status.lastIndex });
  await nextGo();

  expect(put.outcome).toBe('RAFT_NOT_LEADER');
});

test('room that was taken by puts that failed is free again', async () => {
  const { raft, queue } = leaderWithQueue();
  const failed = follow(queue.put(new Uint8Array(8 * mebibyte)));
  await nextGo();
  raft.change({ role: 'follower' });
  raft.change({ role: 'leader', term: term(2) });

  const put = follow(queue.put(Uint8Array.of(1)));
  await nextGo();
  raft.commit();
  await nextGo();

  expect([failed.outcome, put.outcome]).toEqual(['RAFT_NOT_LEADER', 'at 9']);
});

import { expect, test } from 'vitest';
import { waitingReadsMax } from '../../../raft/core/limits.ts';
import { ReadRounds } from '../../../raft/core/read-rounds.ts';
import { logIndex } from '../../../raft/core/types.ts';

test('a round carries the reads that waited when it was opened, and no later ones', () => {
  const rounds = new ReadRounds();
  rounds.add(1);
  rounds.add(2);
  rounds.open(logIndex(7));
  rounds.add(3);

  expect(rounds.confirm(1)).toEqual([{ number: 1, index: 7, reads: [1, 2] }]);
  expect(rounds.hasWaiting).toBe(true);
});

test('a later round confirms the earlier ones, and an earlier answer changes nothing', () => {
  const rounds = new ReadRounds();
  rounds.add(1);
  rounds.open(logIndex(7));
  rounds.add(2);
  rounds.open(logIndex(8));

  expect(rounds.confirm(2).flatMap(({ reads }) => reads)).toEqual([1, 2]);
  expect(rounds.confirm(1)).toEqual([]);
  expect(rounds.confirmed).toBe(2);
});

test('reads wait while nothing may be served', () => {
  const rounds = new ReadRounds();
  rounds.add(1);
  rounds.open(null);

  expect(rounds.confirm(1)).toEqual([]);
  expect(rounds.hasWaiting).toBe(true);
});

test('draining gives back every read once', () => {
  const rounds = new ReadRounds();
  rounds.add(1);
  rounds.open(logIndex(1));
  rounds.add(2);

  expect(rounds.drain()).toEqual([1, 2]);
  expect(rounds.drain()).toEqual([]);
});

test('reads have a maximum, and room again when some are answered', () => {
  const rounds = new ReadRounds();
  for (let readId = 0; readId < waitingReadsMax; readId += 1) rounds.add(readId);

  expect(rounds.add(-1)).toBe(false);
  rounds.open(logIndex(1));
  rounds.confirm(1);
  expect(rounds.add(-1)).toBe(true);
});

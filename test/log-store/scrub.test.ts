import { expect, test } from 'vitest';
import type { Clock } from '../../base/clock.ts';
import { scrubRecords } from '../../log-store/scrub.ts';
import { logIndex } from '../../raft/core/types.ts';

/** A clock on which each piece takes `pieceMs`; `rests` is how long the check slept behind each. */
function measuredClock(pieceMs: number): {
  readonly clock: Clock;
  readonly rests: number[];
  work(): void;
} {
  let nowMs = 0;
  const rests: number[] = [];
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    delay: (ms) => {
      rests.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    every: () => () => undefined,
  };
  return {
    clock,
    rests,
    work: () => {
      nowMs += pieceMs;
    },
  };
}

async function restsOf(isWritten: boolean, pieceMs: number): Promise<readonly number[]> {
  const { clock, rests, work } = measuredClock(pieceMs);
  const last = logIndex(1000);
  await scrubRecords({
    clock,
    signal: new AbortController().signal,
    wasWritten: () => isWritten,
    first: logIndex(1),
    last,
    firstHeld: () => logIndex(1),
    lastHeld: () => last,
    checkPiece: (piece) => {
      work();
      return Promise.resolve(piece.last - piece.first + 1);
    },
  });
  return rests;
}

test('the background check takes a tenth of the time of a node that is idle', async () => {
  const rests = await restsOf(false, 2);
  expect(new Set(rests)).toEqual(new Set([18]));
});

test('the background check takes a hundredth of the time while the log is written to', async () => {
  const rests = await restsOf(true, 2);
  expect(rests.length).toBeGreaterThan(1);
  expect(new Set(rests)).toEqual(new Set([198]));
});

test('the background check goes on within five seconds, however long a piece took', async () => {
  const rests = await restsOf(true, 1000);
  expect(new Set(rests)).toEqual(new Set([5000]));
});

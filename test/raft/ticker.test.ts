import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ticker } from '../../raft/ticker.ts';
import { FakeClock } from '../support/fake-clock.ts';

const tickMs = 25;

function startTicker(): {
  readonly clock: FakeClock;
  readonly ticks: number[];
  readonly stalls: number[];
  readonly pending: (() => void)[];
} {
  const clock = new FakeClock();
  const ticks: number[] = [];
  const stalls: number[] = [];
  const pending: (() => void)[] = [];
  const ticker = new Ticker({
    clock,
    tickMs,
    onTick: () => ticks.push(clock.monotonicMs()),
    onStall: (stalledMs) => stalls.push(stalledMs),
    afterPendingIo: (callback) => pending.push(callback),
  });
  ticker.start();
  return { clock, ticks, stalls, pending };
}

test('ticks come once per interval', () => {
  const { clock, ticks } = startTicker();

  clock.advance(1000);

  expect(ticks).toHaveLength(40);
});

test('a process that was stopped for ten seconds ticks once, after it has read its sockets', () => {
  const { clock, ticks, stalls, pending } = startTicker();
  clock.advance(100);
  const before = ticks.length;

  clock.jump(10_000);
  expect(ticks).toHaveLength(before);
  for (const callback of pending) callback();

  expect(ticks).toHaveLength(before + 1);
  expect(stalls).toEqual([10_000]);
  clock.advance(100);
  expect(ticks.length).toBeLessThanOrEqual(before + 5);
});

test('a short delay is no stall', () => {
  const { clock, ticks, stalls } = startTicker();
  clock.advance(100);

  clock.jump(60);

  expect(ticks).toHaveLength(5);
  expect(stalls).toEqual([]);
});

test('any n ticks in a row take at least n - 1.5 intervals, however late timers fire', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 60 }), (delays) => {
      const { clock, ticks, pending } = startTicker();
      for (const delayMs of delays) {
        clock.jump(delayMs);
        for (const callback of pending.splice(0)) callback();
      }
      for (let first = 0; first < ticks.length; first += 1) {
        for (let last = first + 1; last < ticks.length; last += 1) {
          const span = (ticks[last] ?? 0) - (ticks[first] ?? 0);
          expect(span).toBeGreaterThanOrEqual((last - first + 1 - 1.5) * tickMs);
        }
      }
    }),
  );
});

test('a stopped ticker is silent', () => {
  const clock = new FakeClock();
  let ticks = 0;
  const ticker = new Ticker({
    clock,
    tickMs,
    onTick: () => {
      ticks += 1;
    },
    onStall: () => undefined,
  });
  ticker.start();
  clock.advance(50);

  ticker.stop();
  clock.advance(1000);

  expect(ticks).toBe(2);
});

import { expect, test } from 'vitest';
import { Pacer, shareRate } from './rate.ts';

const all = Number.POSITIVE_INFINITY;

test('a rate is shared evenly, and what one cannot use goes to the others', () => {
  const shares = shareRate(200, [
    { name: 'set', rateMax: all },
    { name: 'ddl', rateMax: 10 },
    { name: 'bank', rateMax: all },
  ]);
  expect(Object.fromEntries(shares)).toEqual({ ddl: 10, set: 95, bank: 95 });
});

test('no more is shared than there is', () => {
  const shares = shareRate(9, [
    { name: 'a', rateMax: 10 },
    { name: 'b', rateMax: 10 },
    { name: 'c', rateMax: 1 },
  ]);
  expect(Object.fromEntries(shares)).toEqual({ c: 1, a: 4, b: 4 });
});

test('turns are evenly apart, and those missed for long are not made up for', () => {
  let nowMs = 0;
  const pacer = new Pacer(10, new AbortController().signal, () => nowMs);
  expect([pacer.reserve(), pacer.reserve(), pacer.reserve()]).toEqual([0, 100, 200]);
  nowMs = 60_000;
  const turns = Array.from({ length: 4 }, () => pacer.reserve());
  expect(turns).toEqual([59_800, 59_900, 60_000, 60_100]);
});

test('there is no turn after the stop', async () => {
  const stop = new AbortController();
  const pacer = new Pacer(0.001, stop.signal);
  expect(await pacer.turn()).toBe(true);
  const waiting = pacer.turn();
  stop.abort();
  expect(await waiting).toBe(false);
});

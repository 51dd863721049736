import { expect, test } from 'vitest';
import { utf8 } from '../../../base/bytes.ts';
import { headOf, LearnedForecast, noHead } from '../../../proxy/core/commit-forecast.ts';

test('a command is expected to do what it did the last time; one never seen, to commit nothing', () => {
  const forecast = new LearnedForecast();
  const insert = headOf(utf8('\u0003INSERT INTO a VALUES (1)'), false);
  const select = headOf(utf8('\u0003SELECT 1'), false);
  expect(forecast.expectsCommit(insert)).toBe(false);

  forecast.learn(insert, true);
  forecast.learn(select, false);
  expect(forecast.expectsCommit(insert)).toBe(true);
  expect(forecast.expectsCommit(select)).toBe(false);

  forecast.learn(insert, false);
  expect(forecast.expectsCommit(insert)).toBe(false);
});

test('commands are told apart by how they begin, and by whether a transaction is open', () => {
  const outside = headOf(utf8('\u0003INSERT INTO a VALUES (1)'), false);
  expect(headOf(utf8('\u0003INSERT INTO b VALUES (2, 3)'), false)).toBe(outside);
  expect(headOf(utf8('\u0003INSERT INTO a VALUES (1)'), true)).not.toBe(outside);
  // The number of a prepared statement stands behind the code.
  const executed = [1, 2].map((id) => headOf(Uint8Array.of(0x17, id, 0, 0, 0, 0, 1, 0, 0), false));
  expect(executed[0]).not.toBe(executed[1]);
  expect(headOf(new Uint8Array(), false)).not.toBe(noHead);
});

test('of what has no head nothing is learned', () => {
  const forecast = new LearnedForecast();
  forecast.learn(noHead, true);
  expect(forecast.expectsCommit(noHead)).toBe(false);
});

import { expect, test } from 'vitest';
import { RestartDelay } from '../../cli/restart-delay.ts';

const healthyRunMs = 60_000;

test('each quick death doubles the wait, up to ten seconds', () => {
  const delay = new RestartDelay();
  const waits = Array.from({ length: 8 }, () => delay.after(100));
  expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test('after a healthy run the wait is the shortest again, and doubles from there', () => {
  const delay = new RestartDelay();
  for (let death = 0; death < 8; death += 1) delay.after(100);
  expect([delay.after(healthyRunMs), delay.after(100), delay.after(100)]).toEqual([200, 400, 800]);
});

test('healthy runs in a row never lengthen the wait', () => {
  const delay = new RestartDelay();
  const waits = Array.from({ length: 5 }, () => delay.after(healthyRunMs));
  expect(new Set(waits)).toEqual(new Set([200]));
});

import { expect, test } from 'vitest';
import { withinDeadline } from '../../cli/within-deadline.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('work that is done in time is told from work that hangs', async () => {
  const clock = new FakeClock();
  expect(await withinDeadline(Promise.resolve(), 15_000, clock)).toBe(true);

  const hanging = withinDeadline(new Promise(() => undefined), 15_000, clock);
  clock.advance(15_000);
  expect(await hanging).toBe(false);
});

test('work that fails in time fails as it would alone', async () => {
  const failing = withinDeadline(Promise.reject(new Error('why')), 15_000, new FakeClock());
  await expect(failing).rejects.toThrow('why');
});

test('work that fails too late is heard by nobody', async () => {
  const clock = new FakeClock();
  const work = Promise.withResolvers<void>();
  const answer = withinDeadline(work.promise, 15_000, clock);
  clock.advance(15_000);
  expect(await answer).toBe(false);
  work.reject(new Error('too late'));
});

import { expect, test } from 'vitest';
import { quantileUs } from '../../base/histogram-snapshot.ts';
import { SharedTimings } from '../../proxy/shared-timings.ts';

/** As the main thread and a worker have it. */
function sides(): { main: SharedTimings; worker: SharedTimings } {
  const main = SharedTimings.allocate();
  return { main, worker: new SharedTimings(main.buffer) };
}

test('an answer is timed from the ack of its own connection', () => {
  const { main, worker } = sides();
  main.acking(7, 1000);
  main.acking(8, 1002);
  worker.answered(8, () => 1003);
  worker.answered(7, () => 1004.5);
  const snapshot = main.snapshot();
  expect(snapshot).toMatchObject({ count: 2, sumUs: 5500 });
  expect(quantileUs(snapshot, 0.5)).toBeGreaterThanOrEqual(1000);
});

test('a command that committed nothing is not timed, and no clock is read for it', () => {
  const { main, worker } = sides();
  const noClock = (): number => expect.unreachable('there is nothing to time');
  expect(worker.answered(7, noClock)).toBe(false);
  main.acking(7, 1000);
  expect(worker.answered(7, () => 1001)).toBe(true);
  expect(worker.answered(7, noClock)).toBe(false);
  expect(main.snapshot().count).toBe(1);
});

test('of two connections with one slot the earlier one is not timed, and never by the ack of the other', () => {
  const { main, worker } = sides();
  main.acking(7, 1000);
  main.acking(7 + 8192, 1900);
  worker.answered(7, () => 2000);
  expect(main.snapshot().count).toBe(0);
  worker.answered(7 + 8192, () => 2000);
  expect(main.snapshot()).toMatchObject({ count: 1, sumUs: 100_000 });
});

test('acks of an earlier life of the server are forgotten: its connections are numbered anew', () => {
  const { main, worker } = sides();
  main.acking(7, 1000);
  main.forgetAcks();
  worker.answered(7, () => 9000);
  expect(main.snapshot().count).toBe(0);
});

test('a machine may be up for longer than 32 bits of microseconds, and a connection number use all of its own', () => {
  const { main, worker } = sides();
  const wrapMs = 2 ** 32 / 1000;
  const connection = 0xffff_fff0;
  main.acking(connection, 3 * wrapMs - 1);
  worker.answered(connection, () => 3 * wrapMs + 1);
  const { count, sumUs } = main.snapshot();
  expect(count).toBe(1);
  expect(Math.abs(sumUs - 2000)).toBeLessThanOrEqual(1);
});

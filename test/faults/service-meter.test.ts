import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FakeClock } from '../support/fake-clock.ts';
import type { LoadCounts } from './load/workload.ts';
import { ServiceMeter } from './service-meter.ts';

const needed = { okPerSecond: 10, writesPerSecond: 5 };

/** What clients had done by then, from what they do per second. */
function served(
  perSecond: (second: number) => { readonly ok: number; readonly writes: number },
): Promise<number> {
  const clock = new FakeClock();
  const begunMs = clock.monotonicMs();
  const counts = (): LoadCounts => {
    const sum = { ok: 0, writes: 0, failed: 0, unknown: 0 };
    const elapsed = (clock.monotonicMs() - begunMs) / 1000;
    for (let second = 0; second < elapsed; second += 1) {
      const share = Math.min(1, elapsed - second);
      sum.ok += perSecond(second).ok * share;
      sum.writes += perSecond(second).writes * share;
    }
    return sum;
  };
  return secondsUntil(new ServiceMeter(counts, needed, clock), clock);
}

async function secondsUntil(meter: ServiceMeter, clock: FakeClock): Promise<number> {
  const begunMs = clock.monotonicMs();
  let isOver = false;
  const over = meter.served(new AbortController().signal).then(() => {
    isOver = true;
  });
  while (!isOver) {
    clock.advance(250);
    await setImmediate();
  }
  await over;
  return Math.round((clock.monotonicMs() - begunMs) / 1000);
}

test('service is what is acknowledged for some seconds on end', async () => {
  expect(await served(() => ({ ok: 20, writes: 10 }))).toBe(4);
});

test('service that comes late is waited for', async () => {
  const late = await served((second) => ({ ok: 20, writes: second < 20 ? 0 : 10 }));
  expect(late).toBeGreaterThanOrEqual(22);
  expect(late).toBeLessThanOrEqual(25);
});

test('service that never comes is given up, and so are reads alone', async () => {
  expect(await served(() => ({ ok: 0, writes: 0 }))).toBe(60);
  expect(await served(() => ({ ok: 100, writes: 0 }))).toBe(60);
});

test('whoever has had enough waits no longer', async () => {
  const stop = new AbortController();
  stop.abort();
  const none = { ok: 0, writes: 0, failed: 0, unknown: 0 };
  const meter = new ServiceMeter(() => none, needed, new FakeClock());
  await expect(meter.served(stop.signal)).resolves.toBeUndefined();
});

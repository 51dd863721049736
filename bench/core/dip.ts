/** What is compared: the second around an event with the three before that second. */
export const steadyMs = 3000;
export const aroundMs = 500;

/**
 * By how many percent less was acknowledged in the second around an event than per second before it; below 0 when it was more.
 * Null when nothing was acknowledged before.
 */
export function dipPercentAround(ackTimesMs: readonly number[], eventMs: number): number | null {
  const [from, to] = [eventMs - aroundMs, eventMs + aroundMs];
  const before = countWithin(ackTimesMs, from - steadyMs, from);
  if (before === 0) return null;
  const perMsBefore = before / steadyMs;
  const perMsAround = countWithin(ackTimesMs, from, to) / (to - from);
  return 100 * (1 - perMsAround / perMsBefore);
}

function countWithin(timesMs: readonly number[], fromMs: number, toMs: number): number {
  return timesMs.filter((time) => time >= fromMs && time < toMs).length;
}

import type { Clock } from '../base/clock.ts';

/** True once `work` is done, false when `ms` pass first; rejects as `work` does. What comes too late is nobody's. */
export async function withinDeadline(
  work: Promise<void>,
  ms: number,
  clock: Clock,
): Promise<boolean> {
  const timeout = new AbortController();
  const late = clock.delay(ms, { signal: timeout.signal }).then(
    () => false,
    () => false,
  );
  work.catch(() => undefined);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timeout.abort();
  }
}

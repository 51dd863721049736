import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 50;
/** For what cannot be seen to have failed. Long enough for a machine that has something else to do. */
const lastResortMs = 240_000;

/** Asks until the answer is not null; rejections count as "not yet". */
export async function eventually<Answer>(
  ask: () => Promise<Answer | null>,
  what: string,
  timeoutMs: number = lastResortMs,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    const answer = await ask().catch((thrown: unknown) => {
      last = thrown;
      return null;
    });
    if (answer !== null) return answer;
    await delay(pollMs);
  }
  throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause: last });
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  await eventually(async () => (condition() ? true : null), what);
}

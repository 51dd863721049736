import { vi } from 'vitest';

/** Of vitest's own second a busy machine takes all. */
const lastResortMs = 60_000;

/** Asks again and again until what is claimed holds; the last complaint otherwise. */
export function waitFor<Answer>(claim: () => Answer | Promise<Answer>): Promise<Answer> {
  return vi.waitFor(claim, { timeout: lastResortMs, interval: 5 });
}

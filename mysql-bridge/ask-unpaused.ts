import type { Clock } from '../base/clock.ts';

/** A question that took this much longer than its own time-out was paused with the whole process. */
const pauseMs = 1000;

/**
 * Asks, and asks once more when the answer is bad and this whole process was paused meanwhile: then the timer fires before the answer that
 * was waiting is read (HAZARDS N5, H29).
 */
export async function askUnpaused<Answer>(options: {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly ask: (timeoutMs: number) => Promise<Answer>;
  readonly isGood: (answer: Answer) => boolean;
}): Promise<Answer> {
  const { clock, timeoutMs, ask, isGood } = options;
  const begunMs = clock.monotonicMs();
  const answer = await ask(timeoutMs);
  if (isGood(answer)) return answer;
  const tookMs = clock.monotonicMs() - begunMs;
  return tookMs > timeoutMs + pauseMs ? await ask(timeoutMs) : answer;
}

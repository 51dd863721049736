import fc from 'fast-check';
import type { Operation, Outcome } from '../../../history/history.ts';
import { operationsOf, type Sketch } from './build.ts';

/** Operations of a few clients, each one after the other, laid out at random in time. */
export function arbitraryOperations(
  arbitrarySketch: fc.Arbitrary<Omit<Sketch, 'at' | 'process'>>,
  options: { readonly maxLength: number } = { maxLength: 7 },
): fc.Arbitrary<Operation[]> {
  const planned = fc.record({
    sketch: arbitrarySketch,
    process: fc.integer({ min: 0, max: 3 }),
    start: fc.integer({ min: 0, max: 30 }),
    length: fc.integer({ min: 1, max: 25 }),
  });
  return fc.array(planned, { maxLength: options.maxLength }).map(layOut);
}

export const arbitraryOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Outcome>('ok') },
  { weight: 2, arbitrary: fc.constant<Outcome>('info') },
  { weight: 1, arbitrary: fc.constant<Outcome>('fail') },
);

interface Planned {
  readonly sketch: Omit<Sketch, 'at' | 'process'>;
  readonly process: number;
  readonly start: number;
  readonly length: number;
}

/** Every call and every end gets a place of its own, and an operation of a client waits for the one before it. */
function layOut(plans: readonly Planned[]): Operation[] {
  const moments: { readonly when: number; readonly plan: number; readonly isCall: boolean }[] = [];
  const busyUntil = new Map<number, number>();
  for (const [plan, { process, start, length }] of plans.entries()) {
    const from = Math.max(start, (busyUntil.get(process) ?? 0) + 0.5);
    busyUntil.set(process, from + length);
    moments.push({ when: from, plan, isCall: true }, { when: from + length, plan, isCall: false });
  }
  moments.sort((one, other) => one.when - other.when || one.plan - other.plan);
  const places = plans.map((): [number, number] => [0, 0]);
  for (const [place, { plan, isCall }] of moments.entries()) {
    const found = places[plan];
    if (found !== undefined) found[isCall ? 0 : 1] = place;
  }
  return operationsOf(
    plans.map(({ sketch, process }, plan) => {
      const [call, end] = places[plan] ?? [0, 0];
      return { ...sketch, process, at: sketch.outcome === 'info' ? [call] : [call, end] };
    }),
  );
}

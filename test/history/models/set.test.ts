import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import type { HistoryValue, Operation } from '../../../history/history.ts';
import { createSet } from '../../../history/models/set.ts';
import { createSetFull } from '../../../history/models/set-full.ts';
import { anomalyNames, limits, operationsOf, type Sketch, sequence } from '../support/build.ts';

const set = createSet();
const setFull = createSetFull();
const add = (input: HistoryValue): Omit<Sketch, 'at'> => ({ f: 'add', input });
const read = (...output: HistoryValue[]): Omit<Sketch, 'at'> => ({ f: 'read', output });

/** Adds and reads of a set that does each at one moment between its call and its end, with clients that overlap. */
function honestSet(seed: number): Operation[] {
  const random = new SeededRandom(seed);
  const held: number[] = [];
  const sketches: Sketch[] = [];
  for (let index = 0; index < 80; index += 1) {
    // The effect is at 10 × index; call and end lie around it, in places of their own.
    const at = [index * 10 - 1 - 2 * random.below(0, 20), index * 10 + 2 * random.below(0, 20)];
    const [call = 0, end = 0] = at;
    if (random.below(0, 3) === 0) {
      sketches.push({ ...read(...held), at: [call, end] });
      continue;
    }
    const outcome = (['ok', 'ok', 'info', 'fail'] as const)[random.below(0, 4)] ?? 'ok';
    if (outcome === 'ok' || (outcome === 'info' && random.below(0, 2) === 0)) held.push(index);
    sketches.push({ ...add(index), outcome, at: [call, end] });
  }
  return operationsOf([...sketches, { ...read(...held), at: [10_000, 10_001] }]);
}

for (const model of [set, setFull]) {
  test(`the history of a set that loses nothing is valid for ${model.name}`, () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(model.check(honestSet(seed), limits).kind).toBe('valid');
      }),
    );
  });

  test(`any acknowledged element missing from the last read is lost for ${model.name}`, () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (seed, place) => {
        const operations = honestSet(seed);
        const adds = operations.filter(({ f, outcome }) => f === 'add' && outcome === 'ok');
        const victim = adds[place % adds.length];
        fc.pre(victim !== undefined);
        const forged = operations.map((operation) =>
          operation.f === 'read' && Array.isArray(operation.output) && operation.callAt >= 10_000
            ? { ...operation, output: operation.output.filter((one) => one !== victim?.input) }
            : operation,
        );
        const verdict = model.check(forged, limits);
        expect(anomalyNames(verdict)).toEqual(['lost']);
        const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
        expect(anomaly?.operations.at(-1)?.callAt).toBe(10_000);
      }),
    );
  });

  test(`${model.name} names an element that nobody added, that was added in vain, or later, or twice`, () => {
    const failed = { ...add(3), outcome: 'fail' as const };
    expect(anomalyNames(model.check(sequence(add(1), read(1, 2)), limits))).toEqual(['unexpected']);
    expect(anomalyNames(model.check(sequence(failed, read(3)), limits))).toEqual(['failed-add']);
    expect(anomalyNames(model.check(sequence(read(4), add(4)), limits))).toEqual(['future-read']);
    expect(anomalyNames(model.check(sequence(add(5), read(5, 5)), limits))).toEqual(['duplicate']);
  });

  test(`${model.name} allows an add that timed out to be there, or not`, () => {
    const unknown = { ...add(1), outcome: 'info' as const };
    expect(model.check(sequence(unknown, read(1)), limits).kind).toBe('valid');
    expect(model.check(sequence(unknown, read()), limits).kind).toBe('valid');
  });

  test(`${model.name} without a read is neither valid nor not`, () => {
    expect(model.check(sequence(add(1)), limits).kind).toBe('undecided');
  });

  test(`${model.name} refuses a read that is no collection, with its line`, () => {
    expect(() => model.check(sequence(add(1), { f: 'read', output: 1 }), limits)).toThrow(
      /^line 3/,
    );
  });
}

test('set judges the last read alone, set-full each, and only as strictly as asked', () => {
  const operations = sequence(add(1), read(), read(1));
  expect(set.check(operations, limits).kind).toBe('valid');
  expect(anomalyNames(setFull.check(operations, limits))).toEqual(['stale-read']);
  const eventual = createSetFull({ level: 'eventual' }).check(operations, limits);
  expect(eventual).toMatchObject({ kind: 'valid' });
  expect(eventual.kind === 'valid' && eventual.counts.get('elements stale')).toBe(1);
});

test('an element that was seen and is gone is lost, though its add was never acknowledged', () => {
  const unknown = { ...add(1), outcome: 'info' as const };
  const verdict = setFull.check(sequence(unknown, read(1), read()), limits);
  expect(anomalyNames(verdict)).toEqual(['lost']);
});

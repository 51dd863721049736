import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCounter } from '../../../history/models/counter.ts';
import { arbitraryOperations, arbitraryOutcome } from '../support/arbitrary.ts';
import { anomalyNames, limits, sequence } from '../support/build.ts';
import { isLinearizable, type Step } from '../support/oracle.ts';

const counter = createCounter();
const add = (input: number) => ({ f: 'add', input });
const read = (output: number) => ({ f: 'read', output });

const counterStep: Step<number> = (sum, { f, input, output, outcome }) => {
  if (f === 'add') return sum + Number(input);
  return outcome !== 'ok' || output === sum ? sum : 'refused';
};

const sketch = fc.record({
  f: fc.constantFrom('add', 'read'),
  input: fc.integer({ min: -2, max: 2 }),
  output: fc.integer({ min: -3, max: 3 }),
  outcome: arbitraryOutcome,
});

test('what is linearizable is within the bounds, and a single read out of them is not linearizable', () => {
  const seen = { valid: 0, invalid: 0 };
  fc.assert(
    fc.property(arbitraryOperations(sketch), (operations) => {
      fc.pre(operations.some(({ f, outcome }) => f === 'read' && outcome === 'ok'));
      const { kind } = counter.check(operations, limits);
      const isCorrect = isLinearizable(operations, 0, counterStep);
      if (isCorrect) expect(kind).toBe('valid');
      seen[kind === 'valid' ? 'valid' : 'invalid'] += 1;
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(100);
});

test('with one read and steps of one, the bounds say exactly what is linearizable', () => {
  const units = arbitraryOperations(sketch.map((one) => ({ ...one, input: 1 }))).map((all) => {
    const [first] = all.filter(({ f, outcome }) => f === 'read' && outcome === 'ok');
    return all.filter((operation) => operation.f === 'add' || operation === first);
  });
  fc.assert(
    fc.property(units, (operations) => {
      fc.pre(operations.some(({ f }) => f === 'read'));
      const expected = isLinearizable(operations, 0, counterStep) ? 'valid' : 'invalid';
      expect(counter.check(operations, limits).kind).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test('a read that misses an acknowledged add, or has one too many, is named', () => {
  expect(anomalyNames(counter.check(sequence(add(1), add(2), read(2)), limits))).toEqual([
    'too-low',
  ]);
  expect(anomalyNames(counter.check(sequence(add(1), read(2), add(1)), limits))).toEqual([
    'too-high',
  ]);
});

test('decrements count, and a failed add does not', () => {
  const failed = { ...add(5), outcome: 'fail' as const };
  expect(counter.check(sequence(add(3), add(-2), failed, read(1)), limits).kind).toBe('valid');
});

test('an amount that is no number is refused with its line', () => {
  const wrong = { f: 'add', input: 'much' };
  expect(() => counter.check(sequence(wrong, read(1)), limits)).toThrow(/^line 1: .*much/);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMutex } from '../../../history/models/mutex.ts';
import { arbitraryOperations, arbitraryOutcome } from '../support/arbitrary.ts';
import { anomalyNames, limits, operationsOf, sequence } from '../support/build.ts';
import { isLinearizable, mutexStep } from '../support/oracle.ts';

const mutex = createMutex();
const acquire = { f: 'acquire' };
const release = { f: 'release' };

test('a mutex agrees with trying all orders, whatever the history', () => {
  const sketch = fc.record({
    f: fc.constantFrom('acquire', 'release'),
    outcome: arbitraryOutcome,
  });
  fc.assert(
    fc.property(arbitraryOperations(sketch, { maxLength: 8 }), (operations) => {
      const expected = isLinearizable(operations, false, mutexStep) ? 'valid' : 'invalid';
      expect(mutex.check(operations, limits).kind).toBe(expected);
    }),
    { numRuns: 3000 },
  );
});

test('a lock held by two is named, and the two are shown', () => {
  const verdict = mutex.check(sequence(acquire, release, acquire, acquire), limits);
  expect(anomalyNames(verdict)).toEqual(['held-twice']);
  const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
  expect(anomaly?.operations.map(({ callLine }) => callLine)).toEqual([5, 7]);
});

test('a lock freed twice is named', () => {
  expect(anomalyNames(mutex.check(sequence(acquire, release, release), limits))).toEqual([
    'released-twice',
  ]);
});

test('a release that timed out may explain the next acquire', () => {
  const operations = operationsOf([
    { ...acquire, at: [0, 1] },
    { ...release, outcome: 'info', at: [2] },
    { ...acquire, process: 1, at: [3, 4] },
  ]);
  expect(mutex.check(operations, limits).kind).toBe('valid');
});

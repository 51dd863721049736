import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import { createCasRegister, createRegister } from '../../../history/models/register.ts';
import type { Verdict } from '../../../history/verdict.ts';
import { arbitraryOperations, arbitraryOutcome } from '../support/arbitrary.ts';
import {
  anomalyNames,
  cas,
  limits,
  operationsOf,
  read,
  sequence,
  write,
} from '../support/build.ts';
import { concurrentRegister } from '../support/concurrent-register.ts';
import { isLinearizable, registerStep } from '../support/oracle.ts';

const register = createRegister();
const casRegister = createCasRegister();

test('a register agrees with trying all orders, whatever the history', () => {
  const sketch = fc.record({
    f: fc.constantFrom('read', 'write'),
    input: fc.integer({ min: 1, max: 3 }),
    output: fc.constantFrom(null, 1, 2, 3),
    outcome: arbitraryOutcome,
  });
  const normal = sketch.map((one) => (one.f === 'read' ? { ...one, input: null } : one));
  fc.assert(
    fc.property(arbitraryOperations(normal), (operations) => {
      const expected = isLinearizable(operations, null, registerStep) ? 'valid' : 'invalid';
      expect(register.check(operations, limits).kind).toBe(expected);
    }),
    { numRuns: 3000 },
  );
});

test('a compare-and-set register agrees with trying all orders, whatever the history', () => {
  const value = fc.integer({ min: 1, max: 3 });
  const sketch = fc.oneof(
    fc.record({ f: fc.constant('write'), input: value, outcome: arbitraryOutcome }),
    fc.record({ f: fc.constant('read'), output: value, outcome: arbitraryOutcome }),
    fc.record({ f: fc.constant('cas'), input: fc.tuple(value, value), outcome: arbitraryOutcome }),
  );
  fc.assert(
    fc.property(arbitraryOperations(sketch, { maxLength: 8 }), (operations) => {
      const expected = isLinearizable(operations, null, registerStep) ? 'valid' : 'invalid';
      expect(casRegister.check(operations, limits).kind).toBe(expected);
    }),
    { numRuns: 3000 },
  );
});

test('what is shown of a history that is not linearizable is not linearizable by itself either', () => {
  const value = fc.integer({ min: 1, max: 2 });
  const sketch = fc.oneof(
    fc.record({ f: fc.constant('write'), input: value, outcome: arbitraryOutcome }),
    fc.record({ f: fc.constant('read'), output: value, outcome: fc.constant('ok' as const) }),
  );
  const shrunk = { count: 0 };
  fc.assert(
    fc.property(arbitraryOperations(sketch, { maxLength: 8 }), (operations) => {
      const verdict = casRegister.check(operations, limits);
      const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
      if (anomaly === undefined || anomaly.name === 'unwritten-value') return;
      if (anomaly.operations.length < operations.length) shrunk.count += 1;
      const shown = anomaly.operations.filter(({ outcome }) => outcome !== 'fail');
      expect(isLinearizable(shown, null, registerStep)).toBe(false);
    }),
    { numRuns: 2000 },
  );
  expect(shrunk.count).toBeGreaterThan(20);
});

const planted: readonly {
  readonly what: string;
  readonly verdict: Verdict;
  readonly name: string;
}[] = [
  {
    what: 'a read of the value before the newest',
    verdict: register.check(sequence(write(1), write(2), read(1)), limits),
    name: 'stale-read',
  },
  {
    what: 'the same where values are written more than once',
    verdict: register.check(
      sequence(write(1), write(2), write(1), read(1), write(2), read(1)),
      limits,
    ),
    name: 'stale-read',
  },
  {
    what: 'a read of a value written later',
    verdict: register.check(sequence(read(1), write(1)), limits),
    name: 'future-read',
  },
  {
    what: 'a read of a value that nobody wrote',
    verdict: register.check(sequence(write(1), read(2)), limits),
    name: 'unwritten-value',
  },
  {
    what: 'a read of a value whose write failed',
    verdict: register.check(sequence({ ...write(2), outcome: 'fail' }, read(2)), limits),
    name: 'failed-write',
  },
  {
    what: 'two compare-and-sets that both replaced the same value',
    verdict: casRegister.check(sequence(write(1), cas(1, 2), cas(1, 3)), limits),
    name: 'nonlinearizable',
  },
];

for (const { what, verdict, name } of planted) {
  test(`${what} is named ${name}`, () => {
    expect(anomalyNames(verdict)).toEqual([name]);
  });
}

test('a write that timed out may take effect much later, once', () => {
  const late = { ...write(3), process: 1, outcome: 'info' as const, at: [0] as const };
  const others = [
    { ...write(1), at: [1, 2] as const },
    { ...read(1), at: [3, 4] as const },
    { ...read(3), at: [5, 6] as const },
  ];
  expect(register.check(operationsOf([late, ...others]), limits).kind).toBe('valid');
  const back = [
    { ...write(1), at: [7, 8] as const },
    { ...read(3), at: [9, 10] as const },
  ];
  const verdict = register.check(operationsOf([late, ...others, ...back]), limits);
  expect(verdict.kind).toBe('invalid');
});

test('keyed registers are judged key by key, and a fault is told with its key', () => {
  const verdict = register.check(
    sequence(
      { f: 'write', input: ['x', 1] },
      { f: 'write', input: ['y', 2] },
      { f: 'read', input: ['x', null], output: ['x', 1] },
      { f: 'read', input: ['y', null], output: ['y', null] },
    ),
    limits,
  );
  expect(verdict).toMatchObject({ kind: 'invalid', anomalies: [{ name: 'stale-read' }] });
  expect(JSON.stringify(verdict)).toContain('register y');
});

test('an initial value other than nil can be given', () => {
  const operations = sequence(read(0), write(1), read(1));
  expect(register.check(operations, limits).kind).toBe('invalid');
  expect(createRegister({ initial: 0 }).check(operations, limits).kind).toBe('valid');
});

test('an operation that the model does not know is refused with its line', () => {
  const operations = sequence(write(1), cas(1, 2));
  expect(() => register.check(operations, limits)).toThrow(/^line 3: .*"read", "write"/);
});

test('a part of the history too small to matter is left out of what is shown', () => {
  const calm = Array.from({ length: 200 }, (_, index) => write(index % 5));
  const verdict = register.check(sequence(...calm, write(1), write(2), read(1)), limits);
  expect(verdict).toMatchObject({ kind: 'invalid' });
  const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
  expect(anomaly?.operations.map(({ f, input }) => [f, input])).toEqual([
    ['write', 2],
    ['read', null],
  ]);
});

for (const values of [0, 5, 100]) {
  test(`50 clients that never rest, ${values === 0 ? 'unique' : values} values: valid within 32 MiB`, () => {
    const options = { clients: 50, operations: 2000, values, timeoutEvery: 200 };
    const operations = concurrentRegister(new SeededRandom(3), options);
    const small = { memoryBytesMax: 32 << 20, stepsMax: 50_000_000 };
    expect(casRegister.check(operations, small).kind).toBe('valid');
  });
}

test('a read of what was there long ago is found among 50 clients that never rest and write 100 values', () => {
  const options = { clients: 50, operations: 2000, values: 100, timeoutEvery: 0 };
  const operations = concurrentRegister(new SeededRandom(5), options);
  const staleAt = operations.findLastIndex(({ f, outcome }) => f === 'read' && outcome === 'ok');
  const stale = operations[staleAt];
  const openThen = operations.filter(
    ({ callAt, endAt, outcome }) =>
      callAt < (stale?.endAt ?? 0) && (outcome === 'info' || endAt > (stale?.callAt ?? 0) - 200),
  );
  const isRecent = (value: number): boolean =>
    openThen.some((one) => [one.input, one.output].flat().includes(value));
  const output = Array.from({ length: 100 }, (_, value) => value + 1).find((one) => !isRecent(one));
  expect(output).toBeDefined();
  const faulty = operations.map((operation, index) =>
    index === staleAt ? { ...operation, output: output ?? null } : operation,
  );
  const verdict = casRegister.check(faulty, limits);
  expect(verdict.kind).toBe('invalid');
  const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
  expect(anomaly?.operations).toContainEqual(faulty[staleAt]);
});

test('a history that takes too long is undecided, with the reason', () => {
  const options = { clients: 50, operations: 2000, values: 100, timeoutEvery: 20 };
  const operations = concurrentRegister(new SeededRandom(3), options);
  const verdict = casRegister.check(operations, { memoryBytesMax: 1 << 20, stepsMax: 20_000 });
  expect(verdict).toMatchObject({
    kind: 'undecided',
    reason: expect.stringMatching(/^the register: no answer after 20000 steps .*--steps raises it/),
  });
});

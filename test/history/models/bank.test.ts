import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import type { Operation } from '../../../history/history.ts';
import { createBank } from '../../../history/models/bank.ts';
import { anomalyNames, limits, operationsOf, type Sketch, sequence } from '../support/build.ts';

const bank = createBank();
const balances = (...held: number[]): Omit<Sketch, 'at'> => ({
  f: 'read',
  output: new Map(held.entries()),
});
const transfer = (from: number, to: number, amount: number): Omit<Sketch, 'at'> => ({
  f: 'transfer',
  input: new Map<string, number>([
    ['from', from],
    ['to', to],
    ['amount', amount],
  ]),
});

/** Transfers and reads of a bank that does everything at once, each some time after it was asked. */
function honestBank(seed: number): Operation[] {
  const random = new SeededRandom(seed);
  const accounts = [10, 10, 10];
  const sketches: Sketch[] = [];
  for (let index = 0; index < 60; index += 1) {
    const at = [index * 2, index * 2 + 1] as const;
    const [from, to] = [random.below(0, 3), random.below(0, 3)];
    const amount = random.below(0, (accounts[from] ?? 0) + 1);
    if (random.below(0, 2) === 0) {
      sketches.push({ ...balances(...accounts), at });
      continue;
    }
    const outcome = (['ok', 'info', 'fail'] as const)[random.below(0, 3)] ?? 'ok';
    if (outcome === 'ok' || (outcome === 'info' && random.below(0, 2) === 0)) {
      accounts[from] = (accounts[from] ?? 0) - amount;
      accounts[to] = (accounts[to] ?? 0) + amount;
    }
    sketches.push({ ...transfer(from, to, amount), outcome, at });
  }
  return operationsOf(sketches);
}

test('the history of a bank that keeps its money is valid', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const operations = honestBank(seed);
      fc.pre(operations.some(({ f }) => f === 'read'));
      expect(bank.check(operations, limits).kind).toBe('valid');
    }),
  );
});

test('one unit too much in any read is found, with the first read it differs from', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(), (seed, place) => {
      const operations = honestBank(seed);
      const reads = operations.filter(({ f }) => f === 'read');
      fc.pre(reads.length > 1);
      const bad = reads[1 + (place % (reads.length - 1))];
      const forged = operations.map((operation) => {
        if (operation !== bad || !(operation.output instanceof Map)) return operation;
        return { ...operation, output: new Map([...operation.output, [0, 999]]) };
      });
      const verdict = bank.check(forged, limits);
      expect(anomalyNames(verdict)).toEqual(['wrong-total']);
      const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
      expect(anomaly?.operations[0]?.callLine).toBe(reads[0]?.callLine);
      expect(anomaly?.operations.at(-1)?.callLine).toBe(bad?.callLine);
    }),
  );
});

test('a transfer that may have been half visible to a read with a wrong total is shown', () => {
  const operations = operationsOf([
    { ...balances(10, 10), at: [0, 1] },
    { ...transfer(0, 1, 4), process: 1, at: [2, 5] },
    { ...transfer(1, 0, 3), process: 2, at: [2, 6] },
    { ...balances(6, 10), at: [3, 4] },
  ]);
  const verdict = bank.check(operations, limits);
  const [anomaly] = verdict.kind === 'invalid' ? verdict.anomalies : [];
  expect(anomaly?.operations.map(({ f, process }) => [f, process])).toEqual([
    ['read', 0],
    ['transfer', 1],
    ['read', 0],
  ]);
});

test('a total that is given is held against the first read too', () => {
  const operations = sequence(balances(5, 5));
  expect(bank.check(operations, limits).kind).toBe('valid');
  expect(anomalyNames(createBank({ total: 20 }).check(operations, limits))).toEqual([
    'wrong-total',
  ]);
});

test('overdrawn accounts are named unless they are allowed', () => {
  const operations = sequence(balances(-5, 15));
  expect(anomalyNames(bank.check(operations, limits))).toEqual(['negative-balance']);
  expect(createBank({ allowsNegative: true }).check(operations, limits).kind).toBe('valid');
});

test('an account that is missing in a later read is named', () => {
  const verdict = bank.check(sequence(balances(5, 5), balances(10)), limits);
  expect(anomalyNames(verdict)).toEqual(['wrong-accounts']);
});

test('a bank nobody read is neither valid nor not', () => {
  expect(bank.check(sequence(transfer(0, 1, 1)), limits).kind).toBe('undecided');
});

test('a balance that is no whole number is refused with its line', () => {
  const odd = { f: 'read', output: new Map([['a', null]]) };
  expect(() => bank.check(sequence(balances(1), odd), limits)).toThrow(/^line 3: .*a held nil/);
  expect(() => bank.check(sequence({ f: 'read', output: [1] }), limits)).toThrow(/map of balances/);
});

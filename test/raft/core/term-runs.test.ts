import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logStart, TermRuns } from '../../../raft/core/term-runs.ts';
import { logIndex, term } from '../../../raft/core/types.ts';

type Action =
  | { readonly kind: 'extend'; readonly termStep: number; readonly count: number }
  | { readonly kind: 'truncate'; readonly keep: number };

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('extend' as const),
      termStep: fc.nat(2),
      count: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({ kind: fc.constant('truncate' as const), keep: fc.nat(40) }),
  ),
  { maxLength: 30 },
);

/** The real one beside an array with the term of every entry. */
function build(script: readonly Action[]): { runs: TermRuns; terms: number[] } {
  const runs = new TermRuns(logStart);
  const terms = [0];
  for (const action of script) {
    if (action.kind === 'extend') {
      const next = Math.max(1, (terms.at(-1) ?? 0) + action.termStep);
      runs.extend(term(next), logIndex(terms.length - 1 + action.count));
      for (let done = 0; done < action.count; done += 1) terms.push(next);
    } else if (action.keep < terms.length - 1) {
      runs.truncateFrom(logIndex(action.keep + 1));
      terms.length = action.keep + 1;
    }
  }
  return { runs, terms };
}

test('the term at every index is what an array of all terms says', () => {
  fc.assert(
    fc.property(actions, (script) => {
      const { runs, terms } = build(script);

      expect(runs.last).toEqual({ term: terms.at(-1), index: terms.length - 1 });
      for (const [index, expected] of terms.entries()) {
        expect(runs.termAt(logIndex(index))).toBe(expected);
      }
      expect(runs.termAt(logIndex(terms.length))).toBeNull();
    }),
  );
});

test('conflict back-up finds the newest entry at or before an index whose term is not above', () => {
  fc.assert(
    fc.property(actions, fc.nat(50), fc.nat(40), (script, index, termMax) => {
      const { runs, terms } = build(script);

      const found = runs.newestWithin(logIndex(index), term(termMax));

      let naive = Math.min(index, terms.length - 1);
      while ((terms[naive] ?? 0) > termMax) naive -= 1;
      expect(found).toEqual({ term: terms[naive], index: naive });
    }),
  );
});

test('a term that goes back, and an index that does not advance, are refused', () => {
  const runs = new TermRuns(logStart);
  runs.extend(term(3), logIndex(2));

  expect(() => runs.extend(term(2), logIndex(3))).toThrow('term 2 behind term 3');
  expect(() => runs.extend(term(3), logIndex(2))).toThrow('index 2 behind index 2');
  expect(() => runs.truncateFrom(logIndex(3))).toThrow('no entry 3');
});

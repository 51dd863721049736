import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AssertionFailure } from '../../base/assert.ts';
import { emptyOutline, LogOutline } from '../../log-store/log-outline.ts';
import { logIndex, term } from '../../raft/core/types.ts';

type Step =
  | { readonly kind: 'append'; readonly termStep: number }
  | { readonly kind: 'truncate'; readonly share: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .constantFrom(0, 0, 0, 1, 2)
        .map((termStep): Step => ({ kind: 'append', termStep })),
    },
    {
      weight: 1,
      arbitrary: fc
        .double({ min: 0, max: 1, noNaN: true })
        .map((share): Step => ({ kind: 'truncate', share })),
    },
  ),
  { maxLength: 80 },
);

test('an outline equals an array of terms after any appends and truncations', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const outline = new LogOutline(emptyOutline);
      let terms: number[] = [];
      let newest = 1;
      for (const step of sequence) {
        if (step.kind === 'append') {
          newest += step.termStep;
          terms = [...terms, newest];
          outline.append({ term: term(newest), index: logIndex(terms.length) });
        } else {
          const from = 1 + Math.floor(step.share * terms.length);
          terms = terms.slice(0, from - 1);
          outline.truncate(logIndex(from));
        }
      }

      expect(outline.lastIndex).toBe(terms.length);
      expect(terms.map((_, at) => outline.termAt(logIndex(at + 1)))).toEqual(terms);
      expect(outline.termRuns.length).toBe(new Set(terms).size);
    }),
  );
});

test('a truncation answers with the runs it ends, an append with the run it begins', () => {
  const outline = new LogOutline(emptyOutline);
  const begun = [1, 1, 2, 3].map((entryTerm, at) =>
    outline.append({ term: term(entryTerm), index: logIndex(at + 1) }),
  );

  expect(begun).toEqual([
    { term: 1, firstIndex: 1 },
    null,
    { term: 2, firstIndex: 3 },
    { term: 3, firstIndex: 4 },
  ]);
  expect(outline.truncate(logIndex(4))).toEqual([{ term: 3, firstIndex: 4 }]);
  expect(outline.truncate(logIndex(2))).toEqual([{ term: 2, firstIndex: 3 }]);
  expect(outline.state()).toEqual({
    snapshot: null,
    firstIndex: 1,
    lastIndex: 1,
    termRuns: [begun[0]],
  });
});

test('a part keeps its terms whatever happens to the whole', () => {
  const outline = new LogOutline(emptyOutline);
  for (const [at, entryTerm] of [1, 1, 1, 4, 4, 6].entries()) {
    outline.append({ term: term(entryTerm), index: logIndex(at + 1) });
  }

  const part = outline.part(logIndex(2), logIndex(5));
  outline.truncate(logIndex(1));

  expect(part.state()).toEqual({
    snapshot: null,
    firstIndex: 2,
    lastIndex: 5,
    termRuns: [
      { term: 1, firstIndex: 2 },
      { term: 4, firstIndex: 4 },
    ],
  });
  expect(() => part.termAt(logIndex(6))).toThrow(AssertionFailure);
});

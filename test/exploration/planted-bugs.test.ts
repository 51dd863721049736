import { expect, test } from 'vitest';
import { plantedBugs, redundantRules } from './planted-bugs.ts';
import { reportOf } from './report.ts';
import { runBound } from './run-bound.ts';

// Goal: the exploration bites. Method: take one rule out of the protocol, in a copy of its source or in the model of a shell, and explore
// a bound that is part of what every test run explores. A source that no longer holds the planted text fails the load.

const statesMax = 200_000;

test.for(plantedBugs)('found, as $property: $name', (bug) => {
  const { world, exploration } = runBound(bug.bound, { statesMax, bug });

  const { counterexample } = exploration;
  expect(counterexample?.violation.property).toBe(bug.property);
  expect(counterexample === null ? '' : reportOf(world, counterexample)).toContain('1. ');
});

test.for(redundantRules)('no harm alone, other rules back it up: $name', (bug) => {
  const { exploration } = runBound(bug.bound, { statesMax, bug });

  expect(exploration.counterexample).toBeNull();
  expect(exploration.outcome).toBe('complete');
});

test('the same bounds hold without a planted bug', () => {
  const bounds = new Map(plantedBugs.map(({ bound }) => [bound.name, bound]));

  const violated = [...bounds.values()].filter(
    (bound) => runBound(bound, { statesMax }).exploration.outcome !== 'complete',
  );

  expect(violated.map(({ name }) => name)).toEqual([]);
});

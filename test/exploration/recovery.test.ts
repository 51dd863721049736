import { expect, test } from 'vitest';
import { boundOf, recoveredBounds } from './bounds.ts';
import { recoveryOf } from './recovery.ts';
import { reportOf, tableOf } from './report.ts';
import { summaryOf } from './run-bound.ts';

// Goal: nothing in the protocol waits for ever. Method: explore a bound whole, with the checks of G1–G7, and remember its steps; then go
// from all states of a serving cluster backwards along the steps that are neither faults nor clients. What is not met on the way is stuck.

const statesMax = 1_000_000;

test.for(recoveredBounds)(
  'from every state within reach there is a way to a serving cluster (C10): $name',
  { timeout: 300_000 },
  (bound) => {
    const recovery = recoveryOf(bound, { statesMax });

    const { world, exploration, owed, stuck } = recovery;
    process.stdout.write(`${summaryOf(bound.name, recovery)}, ${owed} states owe a recovery\n`);
    const { counterexample, outcome } = exploration;
    expect(counterexample === null ? '' : reportOf(world, counterexample)).toBe('');
    expect(outcome).toBe('complete');
    expect(owed).toBeGreaterThan(2_000);
    expect(stuck.slice(0, 1).flatMap((state) => tableOf(world, state))).toEqual([]);
  },
);

test('a task that was cancelled and whose end goes unheard leaves states that are stuck', () => {
  const bound = boundOf('a cluster that starts', { transactions: 0, termMax: 2, root: 'blank' });
  const whole = recoveryOf(bound, { statesMax });
  const { stuck } = recoveryOf(bound, {
    statesMax,
    bug: {
      name: 'the end of a cancelled task is not heard',
      roleEdits: [
        {
          find: '      this.#ending = null;\n      const task = this.#deferredTask;',
          replace: '      const task = null;',
        },
      ],
      bound,
    },
  });

  expect(whole.stuck.length).toBe(0);
  expect(stuck.length).toBeGreaterThan(0);
});

import { expect, test } from 'vitest';
import type { RoleState } from '../../mysql-bridge/role/role-types.ts';
import { testedBounds } from './bounds.ts';
import { reportOf } from './report.ts';
import { runBound, summaryOf } from './run-bound.ts';

// Goal: no state of the promotion, fencing and cut protocol that can be reached within the bound violates G1–G7. Method: visit every
// one of them, with the real role machine and the real ack gate, between a small Raft and a small MySQL; see DESIGN.md. Each bound
// is a number of faults and a depth, never a time: a busy machine sees the same states.

const statesMax = 2_000_000;
/** A bound so small that it shows nothing would pass as well. */
const statesMin = 10_000;

const seen = new Set<string>();

test.for(testedBounds)(
  'no state within reach violates G1–G7: $name',
  { timeout: 300_000 },
  (bound) => {
    const run = runBound(bound, { statesMax });

    for (const each of run.world.seen) seen.add(each);
    const { outcome, states, counterexample } = run.exploration;
    process.stdout.write(`${summaryOf(bound.name, run)}\n`);
    expect(counterexample === null ? '' : reportOf(run.world, counterexample)).toBe('');
    expect(outcome).toBe(bound.name.endsWith('whole') ? 'complete' : 'bounded');
    expect(states).toBeGreaterThan(statesMin);
  },
);

test('every role was reached but the one for a compacted log, and clients heard everything they can hear (C11)', () => {
  const roles: readonly RoleState['kind'][] = [
    'undecided',
    'cutting',
    'backing-off',
    'starting',
    'joining',
    'replica',
    'catching-up',
    'taking-over',
    'primary',
    'quiescing',
    'handing-over',
    'resuming',
    'fencing',
    'rebuilding',
  ];

  expect([...seen].sort()).toEqual([...roles, 'unsent', 'sent', 'refused', 'ok'].sort());
});

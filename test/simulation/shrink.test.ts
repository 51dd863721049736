import { expect, test } from 'vitest';
import type { FaultEvent, RunPlan, RunReport } from './kernel/index.ts';
import { readRegressions } from './regression.ts';
import { runPlan } from './run-plan.ts';
import { shrink } from './shrink.ts';

function fault(atMs: number, kind: string): FaultEvent {
  return { atMs, kind, pick: 1, forMs: 800 };
}

function report(rule: string | null, simulatedMs: number): RunReport {
  const violation = rule === null ? null : { rule, message: `${rule}: broken` };
  return { hash: '', eventCount: 0, simulatedMs, violation, counts: {} };
}

test('a failing plan is shrunk to what it takes to break the same rule', async () => {
  const plan: RunPlan = {
    scenario: 'raft',
    seed: 1,
    nodeCount: 7,
    faultyMs: 60_000,
    knobs: { loss: 100, skew: 7, clients: 3 },
    faults: Array.from({ length: 40 }, (_, place) =>
      fault(place * 1000, ['crash', 'pause', 'cut', 'hang'][place % 4] ?? ''),
    ),
  };
  // Breaks when a crash comes before a cut while messages are lost; with three nodes it breaks something else.
  const run = (tried: RunPlan): Promise<RunReport> => {
    const crash = tried.faults.findIndex(({ kind }) => kind === 'crash');
    const cut = tried.faults.findLast(({ kind }) => kind === 'cut');
    const breaks =
      crash !== -1 &&
      cut !== undefined &&
      tried.faults.indexOf(cut) > crash &&
      tried.knobs['loss'] !== 0;
    const rule = tried.nodeCount === 3 ? 'I4' : 'I1';
    return Promise.resolve(report(breaks ? rule : null, (cut?.atMs ?? 0) + 100));
  };

  const shrunk = await shrink({ plan, report: await run(plan) }, run);

  expect(shrunk.report.violation?.rule).toBe('I1');
  expect(shrunk.plan.faults.map(({ kind }) => kind)).toEqual(['crash', 'cut']);
  expect(shrunk.plan.faults[0]?.forMs).toBe(1);
  expect(shrunk.plan).toMatchObject({ nodeCount: 5, knobs: { loss: 100, skew: 0, clients: 0 } });
  expect(shrunk.plan.faultyMs).toBeLessThan(8000);
});

for (const { name, regression } of readRegressions()) {
  test(`${regression.title} (${name})`, async () => {
    const { report: found } = await runPlan(regression.plan, { linesMax: 0 });

    expect(found.violation).toBeNull();
  });
}

import { expect, test } from 'vitest';
import type { RunReport } from './kernel/scenario.ts';
import { Trace } from './kernel/trace.ts';
import { clusterScenario } from './node/cluster-scenario.ts';

// Goal: the whole cluster keeps its promises (G1-G9, C1-C11) under faults, from fixed seeds. Method: short runs of the scenario
// that `npm run simulate` runs for a minute each.

const faultyMs = 20_000;

async function runSeed(seed: number): Promise<RunReport> {
  const plan = clusterScenario.draw(seed, { nodeCount: null, faultyMs });
  return await clusterScenario.run(plan, new Trace({ linesMax: 0, level: 'news' }));
}

test.each(Array.from({ length: 30 }, (_, place) => 5000 + place))(
  'seed %i breaks no promise of the cluster',
  { timeout: 60_000 },
  async (seed) => {
    const report = await runSeed(seed);

    expect(report.violation).toBeNull();
  },
);

test('a seed gives the same run, event by event', { timeout: 60_000 }, async () => {
  const first = await runSeed(7);
  const second = await runSeed(7);

  expect(second.hash).toBe(first.hash);
  expect(second.eventCount).toBe(first.eventCount);
});

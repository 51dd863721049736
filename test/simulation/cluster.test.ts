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
  async (seed) => {
    const report = await runSeed(seed);

    expect(report.violation).toBeNull();
  },
);

test('nodes that come and go, lose their disks, or keep the log only, serve and end up equal (N9, N10)', async () => {
  const kinds = ['member-add', 'lose-node', 'transfer', 'member-witness', 'member-replace'];
  const report = await clusterScenario.run(
    {
      scenario: 'cluster',
      seed: 1,
      nodeCount: 3,
      faultyMs,
      knobs: { hasWitness: 1, delayUsMax: 2_000, fragmentBytesMax: 256, largeBytes: 1_000 },
      // With this pick each of them strikes the leader.
      faults: kinds.map((kind, place) => ({
        atMs: 1_000 + 3_500 * place,
        kind,
        pick: 0,
        forMs: 1_000,
      })),
    },
    new Trace({ linesMax: 0, level: 'news' }),
  );

  expect(report.violation).toBeNull();
  expect(report.counts).toMatchObject({
    'member-changes': 4,
    'nodes-joined': 3,
    'witnesses-joined': 1,
    'lost-nodes-replaced': 1,
    'transfer handed-over': 1,
    'at the leader': kinds.length,
  });
  expect(report.counts['promotions of newcomers']).toBeGreaterThan(0);
  expect(report.counts['transactions of fragments']).toBeGreaterThan(0);
});

test('a seed gives the same run, event by event', async () => {
  const first = await runSeed(7);
  const second = await runSeed(7);

  expect(second.hash).toBe(first.hash);
  expect(second.eventCount).toBe(first.eventCount);
});

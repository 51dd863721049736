import { expect, test } from 'vitest';
import type { RunPlan } from '../kernel/index.ts';
import { runPlan } from '../run-plan.ts';
import { raftScenario } from './raft-scenario.ts';

const anything = { nodeCount: null, faultyMs: null };
const fixedSeeds = 60;

test('the same seed gives the same run to the last event, another seed another run', async () => {
  const hashes = async (seed: number): Promise<string> => {
    const plan = raftScenario.draw(seed, { nodeCount: 3, faultyMs: 20_000 });
    const { report } = await runPlan(plan, { linesMax: 0 });
    return `${report.hash} ${report.eventCount}`;
  };

  for (const seed of [3, 4, 5]) expect(await hashes(seed)).toBe(await hashes(seed));
  expect(await hashes(3)).not.toBe(await hashes(4));
});

test('a plan survives being written down', async () => {
  const plan = raftScenario.draw(12, { nodeCount: 5, faultyMs: 10_000 });
  const copy: RunPlan = JSON.parse(JSON.stringify(plan));

  expect((await runPlan(copy, {})).report.hash).toBe((await runPlan(plan, {})).report.hash);
});

test(`I1–I12, C8 and C10 hold for ${fixedSeeds} fixed seeds of a minute each, in which much happened (C11)`, async () => {
  const totals: Record<string, number> = {};
  const broken: string[] = [];
  for (let seed = 1; seed <= fixedSeeds; seed += 1) {
    const { report } = await runPlan(raftScenario.draw(seed, anything), { linesMax: 0 });
    if (report.violation !== null) broken.push(`seed ${seed}: ${report.violation.message}`);
    for (const [name, count] of Object.entries(report.counts)) {
      totals[name] = (totals[name] ?? 0) + count;
    }
  }

  expect(broken).toEqual([]);
  expect(raftScenario.missingIn?.(totals, fixedSeeds)).toEqual([]);
});

test('a majority serves while the rest is down, stopped, cut off or without its disk (C10)', async () => {
  const drawn = raftScenario.draw(1, { nodeCount: 5, faultyMs: 5000 });
  const texts: string[] = [];
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const knobs = { clients: 3, thinkMs: 50, hasAbsentees: 1 };
    const plan = { ...drawn, seed, faults: [], knobs };
    const { report, lines } = await runPlan(plan, { level: 'news' });
    expect(report.violation).toBeNull();
    expect(report.counts).toMatchObject({ absences: 1 });
    texts.push(...lines.filter((line) => line.includes('phase without')));
  }

  const all = texts.join('\n');
  for (const ailment of ['down', 'paused', 'cut off', 'with a hung disk']) {
    expect(all).toContain(`(${ailment})`);
  }
});

test('without any fault one leader serves from the first election to the end', async () => {
  const drawn = raftScenario.draw(1, { nodeCount: 3, faultyMs: 30_000 });
  const calm = { ...drawn, faults: [], knobs: { clients: 3, thinkMs: 50 } };

  const { report } = await runPlan(calm, { linesMax: 0 });

  expect(report.violation).toBeNull();
  expect(report.counts).toMatchObject({ elections: 1 });
  expect(report.counts['writes']).toBeGreaterThan(300);
});

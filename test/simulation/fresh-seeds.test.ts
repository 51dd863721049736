import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { replayCommand } from './replay-command.ts';
import { scenarioNames } from './scenarios.ts';
import type { Task } from './worker.ts';
import { type TaskResult, WorkerPool } from './worker-pool.ts';

// Goal: each run of the tests looks at runs that nobody has seen yet. A seed that breaks a rule is a find, whatever was changed last.
// Method: as many seeds as fit into a share of time; a machine that is slow runs fewer, and each that was begun is run to its end.

const shareMs: Readonly<Record<string, number>> = { raft: 25_000, cluster: 50_000 };
/** A change that breaks every seed need not be told a thousand times. */
const brokenMax = 3;
const seedEnd = 1_000_000_000;
const jobs = Math.min(2, availableParallelism());
const wishes = { nodeCount: null, faultyMs: null };

test.each(scenarioNames)(
  'fresh seeds of the scenario %s break no rule',
  // A run that does not end is ended by the pool, after so much of a processor; nothing here depends on the clock.
  { timeout: 0 },
  async (scenario) => {
    const firstSeed = randomInt(1, seedEnd);
    const broken: string[] = [];
    let count = 0;
    await using pool = new WorkerPool(jobs);
    const endMs = performance.now() + (shareMs[scenario] ?? 0);
    const tasks = function* (): Generator<Task> {
      const isOver = (): boolean => broken.length >= brokenMax || performance.now() >= endMs;
      for (let seed = firstSeed; seed < firstSeed + jobs || !isOver(); seed += 1) {
        yield { kind: 'seed', scenario, seed, wishes };
      }
    };

    await pool.runAll(tasks(), (result) => {
      count += 1;
      broken.push(...brokenRule(result));
    });

    const again = `npm run simulate -- --scenario ${scenario} --seed ${firstSeed} --seeds ${count}`;
    process.stdout.write(`${scenario}: ${count} seeds from ${firstSeed}; again: ${again}\n`);
    expect(count).toBeGreaterThanOrEqual(jobs);
    expect(broken).toEqual([]);
  },
);

function brokenRule({ plan, report }: TaskResult): string[] {
  if (report.violation === null) return [];
  const { scenario, seed } = plan;
  const again = replayCommand({ scenario, seed, wishes });
  return [`seed ${seed} of ${scenario}: ${report.violation.message}; again: ${again}`];
}

import { expect, test } from 'vitest';
import { raftScenario } from './raft/raft-scenario.ts';
import type { Task } from './worker.ts';
import { WorkerPool } from './worker-pool.ts';

const plan = raftScenario.draw(1, { nodeCount: 3, faultyMs: 1000 });
const task: Task = { kind: 'plan', plan };

function doing(script: string): WorkerPool {
  return new WorkerPool(1, {
    preload: `data:text/javascript,process.once('message', () => { ${script} });`,
  });
}

test('a run that takes its process down is a violation, and the next one has a process of its own', async () => {
  await using pool = doing('process.exit(3)');

  for (const { report } of [await pool.run(task), await pool.run(task)]) {
    expect(report.violation).toMatchObject({ rule: 'worker' });
    expect(report.violation?.message).toContain('exit status 3');
  }
});

test('a run that waits for what never comes is a violation, however long nobody looks', async () => {
  // The turn of the event loop in which the simulation runs its events never comes.
  await using pool = doing('globalThis.setImmediate = () => {};');

  const { report } = await pool.run(task);

  expect(report.violation).toMatchObject({ rule: 'worker' });
  expect(report.violation?.message).toContain('exit status 0');
});

test('as many runs go on at a time as there are workers', async () => {
  await using pool = new WorkerPool(2);
  let begun = 0;
  const begunAtEnds: number[] = [];
  const tasks = function* (): Generator<Task> {
    while (begun < 4) {
      begun += 1;
      yield task;
    }
  };

  await pool.runAll(tasks(), () => {
    begunAtEnds.push(begun);
  });

  expect(begunAtEnds).toEqual([2, 3, 4, 4]);
});

test('a run that ends tells what it found', async () => {
  await using pool = new WorkerPool(1);

  const { report } = await pool.run(task);

  expect(report.violation).toBeNull();
  expect(report.simulatedMs).toBeGreaterThanOrEqual(plan.faultyMs);
});

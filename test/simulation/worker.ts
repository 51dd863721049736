import type { RunPlan, Wishes } from './kernel/index.ts';
import { runPlan } from './run-plan.ts';
import { scenarioOf } from './scenarios.ts';

// Runs one plan after the other for `worker-pool.ts`, which may end this process at any time.

export type Task =
  | {
      readonly kind: 'seed';
      readonly scenario: string;
      readonly seed: number;
      readonly wishes: Wishes;
    }
  | { readonly kind: 'plan'; readonly plan: RunPlan };

process.on('message', (task: Task) => {
  // Alone it keeps nobody alive: a run that waits for what never comes ends this process, and is told of so.
  process.channel?.unref();
  const plan = planOf(task);
  const before = process.cpuUsage();
  runPlan(plan, { linesMax: 0, level: 'news' }).then(
    ({ report }) => {
      const { user, system } = process.cpuUsage(before);
      process.channel?.ref();
      process.send?.({ plan, report, cpuMs: Math.round((user + system) / 1000) });
    },
    (error: unknown) => {
      process.stderr.write(`the simulation itself failed: ${String(error)}\n`);
      process.exit(70);
    },
  );
});
process.on('disconnect', () => process.exit(0));

function planOf(task: Task): RunPlan {
  if (task.kind === 'plan') return task.plan;
  return scenarioOf(task.scenario).draw(task.seed, task.wishes);
}

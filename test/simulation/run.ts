import { parseArgs } from 'node:util';
import type { RunPlan, Wishes } from './kernel/index.ts';
import { readRegression, writeRegression } from './regression.ts';
import { replayCommand } from './replay-command.ts';
import { runPlan } from './run-plan.ts';
import { scenarioNames, scenarioOf } from './scenarios.ts';
import { shrink } from './shrink.ts';
import type { Task } from './worker.ts';
import { type TaskResult, WorkerPool } from './worker-pool.ts';

// npm run simulate -- --help; docs/testing.md says how to read what it prints.

const usage = `npm run simulate -- [options]
  --seeds N         how many seeds (default 100; 1 with --seed)
  --seed S          the first seed; without it the clock chooses, and the choice is printed
  --jobs J          processes (default 1)
  --nodes 3|5|7     size of the cluster (default: the seed draws it)
  --seconds T       simulated seconds with faults (default 60; of whole nodes 54, behind 6 to warm up)
  --scenario NAME   ${scenarioNames.join(' | ')} (default ${scenarioNames.at(-1)})
  --log short|full  print the trace of the run: what is rare, or everything (one seed or plan only)
  --plan FILE       run the plan of a regression file instead of a seed
  --save            write a shrunk failure into test/simulation/regressions
  --no-shrink       do not shrink failures
Exit status: 0 nothing broke, 1 a rule broke or too little happened, 2 the command is wrong.
`;

/** Failures that are shrunk; the others are listed. */
const shrunkMax = 3;
const progressMs = 5000;

interface Settings {
  readonly scenario: string;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly wishes: Wishes;
  readonly log: 'short' | 'full' | null;
  readonly plan: RunPlan | null;
  readonly isShrinking: boolean;
  readonly isSaving: boolean;
}

process.exitCode = await main();

async function main(): Promise<number> {
  let settings: Settings | null;
  try {
    settings = readSettings();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  if (settings === null) {
    print(usage);
    return 0;
  }
  return settings.plan !== null || settings.seeds === 1
    ? await runOne(settings)
    : await runMany(settings);
}

function readSettings(): Settings | null {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      jobs: { type: 'string', default: '1' },
      nodes: { type: 'string' },
      seconds: { type: 'string' },
      scenario: { type: 'string', default: scenarioNames.at(-1) ?? '' },
      log: { type: 'string' },
      plan: { type: 'string' },
      save: { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (!scenarioNames.includes(values.scenario)) {
    throw new RangeError(`no scenario is called ${values.scenario}`);
  }
  if (values.log !== undefined && values.log !== 'short' && values.log !== 'full') {
    throw new RangeError(`--log is short or full, not ${values.log}`);
  }
  const nodeCount = wholeNumber('nodes', values.nodes);
  if (nodeCount !== null && ![3, 5, 7].includes(nodeCount)) {
    throw new RangeError(`--nodes is 3, 5 or 7, not ${nodeCount}`);
  }
  const seconds = wholeNumber('seconds', values.seconds);
  const firstSeed = wholeNumber('seed', values.seed);
  return {
    scenario: values.scenario,
    firstSeed: firstSeed ?? Date.now() % 1_000_000_000,
    seeds: wholeNumber('seeds', values.seeds) ?? (firstSeed === null ? 100 : 1),
    jobs: wholeNumber('jobs', values.jobs) ?? 1,
    wishes: { nodeCount, faultyMs: seconds === null ? null : seconds * 1000 },
    log: values.log ?? null,
    plan: values.plan === undefined ? null : readRegression(values.plan).plan,
    isShrinking: !values['no-shrink'],
    isSaving: values.save,
  };
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`--${name} is a whole number from 1, not ${text}`);
  }
  return value;
}

/** Runs in this process, with the trace as it comes. */
async function runOne(settings: Settings): Promise<number> {
  const { scenario, firstSeed, wishes, log } = settings;
  const plan = settings.plan ?? scenarioOf(scenario).draw(firstSeed, wishes);
  const { report, lines } = await runPlan(plan, {
    linesMax: log === null ? 60 : 0,
    level: log === 'short' ? 'news' : 'event',
    ...(log === null ? {} : { onLine: print }),
  });
  const { violation } = report;
  if (violation !== null && log === null) for (const line of lines) print(line);
  print(`seed ${plan.seed}, ${plan.nodeCount} nodes, ${plan.faults.length} faults planned`);
  print(`${report.simulatedMs / 1000} simulated seconds, ${report.eventCount} events`);
  print(totalsText(report.counts));
  print(`trace hash ${report.hash}`);
  print(violation === null ? 'no rule broke' : `BROKEN ${violation.message}`);
  return violation === null ? 0 : 1;
}

async function runMany(settings: Settings): Promise<number> {
  const { scenario, firstSeed, seeds, jobs } = settings;
  print(`${seeds} seeds from ${firstSeed}, scenario ${scenario}, ${jobs} jobs`);
  await using pool = new WorkerPool(jobs);
  const startedMs = Date.now();
  const totals: Record<string, number> = {};
  const failures: TaskResult[] = [];
  let done = 0;
  let simulatedMs = 0;
  const speed = (): string => `${((done * 1000) / (Date.now() - startedMs)).toFixed(1)} seeds/s`;
  const timer = setInterval(() => {
    process.stderr.write(`${done}/${seeds} seeds, ${failures.length} failed, ${speed()}\n`);
  }, progressMs);
  await pool.runAll(tasksOf(settings), (result) => {
    done += 1;
    simulatedMs += result.report.simulatedMs;
    for (const [name, count] of Object.entries(result.report.counts)) {
      totals[name] = (totals[name] ?? 0) + count;
    }
    if (result.report.violation === null) return;
    failures.push(result);
    print(`seed ${result.plan.seed} BROKEN ${result.report.violation.message}`);
    print(`  again: ${replayCommand({ ...settings, seed: result.plan.seed })}`);
  });
  clearInterval(timer);
  print(`${done} seeds, ${Math.round(simulatedMs / 1000)} simulated seconds, ${speed()}`);
  print(totalsText(totals));
  if (settings.isShrinking) await shrinkAll(settings, pool, failures.slice(0, shrunkMax));
  const missing = scenarioOf(scenario).missingIn?.(totals, done) ?? [];
  for (const sentence of missing) print(`TOO LITTLE ${sentence}`);
  print(`${failures.length} of ${done} seeds broke a rule`);
  for (const { plan } of failures) print(`  ${replayCommand({ ...settings, seed: plan.seed })}`);
  return failures.length + missing.length === 0 ? 0 : 1;
}

async function shrinkAll(
  settings: Settings,
  pool: WorkerPool,
  failures: readonly TaskResult[],
): Promise<void> {
  for (const failure of failures) {
    const run = async (smaller: RunPlan): Promise<TaskResult['report']> =>
      (await pool.run({ kind: 'plan', plan: smaller })).report;
    const { plan, report, attempts } = await shrink(failure, run);
    const rule = report.violation?.rule ?? '';
    print(
      `seed ${plan.seed} shrunk in ${attempts} runs to ${plan.faults.length} faults: ${report.violation?.message}`,
    );
    const regression = { title: '', rule, fault: '', plan };
    if (settings.isSaving) {
      const name = `${plan.scenario}-${rule.toLowerCase()}-${plan.seed}`;
      print(
        `  saved as ${writeRegression(name, regression)}: give it a title, and say what was wrong`,
      );
    } else {
      print(JSON.stringify(regression));
    }
  }
}

function* tasksOf({ scenario, firstSeed, seeds, wishes }: Settings): Generator<Task> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    yield { kind: 'seed', scenario, seed, wishes };
  }
}

function totalsText(totals: Readonly<Record<string, number>>): string {
  return Object.entries(totals)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

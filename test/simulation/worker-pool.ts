import { type ChildProcess, fork } from 'node:child_process';
import { processorSecondsOf } from '../support/processes.ts';
import type { RunPlan, RunReport } from './kernel/index.ts';
import { scenarioOf } from './scenarios.ts';
import type { Task } from './worker.ts';

export interface TaskResult {
  readonly plan: RunPlan;
  readonly report: RunReport;
  /** Of the worker, for this run; elapsed time if the run ended its process. */
  readonly cpuMs: number;
}

/** How workers are started, where they are not as they are. */
export interface WorkerStart {
  /** A module that is loaded first, as by `node --import`. */
  readonly preload?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A run that uses so much of a processor does not end: seconds are the rule. How long that takes is the machine's matter. */
const processorSecondsMax = 120;
const lookEveryMs = 5_000;
/**
 * A run leaves much garbage and keeps little, so a young generation that is large is collected seldom and cheaply. Nobody reads the
 * stacks of a run in a worker: a report carries messages.
 */
const workerFlags = [
  '--min-semi-space-size=32',
  '--max-semi-space-size=64',
  '--stack-trace-limit=0',
];
const workerPath = new URL('worker.ts', import.meta.url).pathname;

/**
 * Processes that run plans. A run that does not end, or takes its process down, is a violation like any other: its worker is replaced
 * and the others go on. (One that waits for what never comes ends its process: nothing is left to happen there.)
 */
export class WorkerPool implements AsyncDisposable {
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  readonly #start: WorkerStart;

  constructor(jobs: number, start: WorkerStart = {}) {
    this.#start = start;
    for (let count = 0; count < jobs; count += 1) this.#startWorker();
  }

  /** Runs all tasks, as many at a time as there are workers; tells of each result as it comes, in no order. */
  async runAll(tasks: Iterator<Task>, onResult: (result: TaskResult) => void): Promise<void> {
    const drain = async (): Promise<void> => {
      for (let next = tasks.next(); next.done !== true; next = tasks.next()) {
        onResult(await this.run(next.value));
      }
    };
    // Of a copy: each that begins takes its worker out of the list.
    await Promise.all([...this.#idle].map(drain));
  }

  /** Needs an idle worker: `runAll` sees to that, and so does a caller that waits for each result. */
  run(task: Task): Promise<TaskResult> {
    const worker = this.#idle.pop() ?? this.#startWorker();
    const startedMs = Date.now();
    return new Promise((resolve) => {
      const end = (result: TaskResult, next: ChildProcess): void => {
        clearInterval(timer);
        worker.off('message', onMessage);
        worker.off('exit', onExit);
        if (!this.#idle.includes(next)) this.#idle.push(next);
        resolve(result);
      };
      const onMessage = (result: TaskResult): void => end(result, worker);
      const onExit = (status: number | null): void => {
        this.#all.delete(worker);
        const how =
          status === null
            ? `no end after ${processorSecondsMax} s of a processor`
            : `exit status ${status}`;
        end(deathOf(task, how, Date.now() - startedMs), this.#startWorker());
      };
      const before = usedBy(worker);
      const timer = setInterval(() => {
        if (usedBy(worker) - before >= processorSecondsMax) worker.kill('SIGKILL');
      }, lookEveryMs);
      worker.on('message', onMessage);
      worker.on('exit', onExit);
      worker.send(task);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#all) worker.kill('SIGKILL');
    this.#all.clear();
    return Promise.resolve();
  }

  #startWorker(): ChildProcess {
    const { preload, environment } = this.#start;
    const worker = fork(workerPath, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [
        ...process.execArgv,
        ...workerFlags,
        ...(preload === undefined ? [] : ['--import', preload]),
      ],
      env: { ...process.env, ...environment },
    });
    this.#all.add(worker);
    this.#idle.push(worker);
    return worker;
  }
}

function usedBy({ pid = 0 }: ChildProcess): number {
  return processorSecondsOf(pid) ?? 0;
}

function deathOf(task: Task, how: string, cpuMs: number): TaskResult {
  const plan =
    task.kind === 'plan' ? task.plan : scenarioOf(task.scenario).draw(task.seed, task.wishes);
  const violation = { rule: 'worker', message: `worker: the run ended its process: ${how}` };
  const report = { hash: '', eventCount: 0, simulatedMs: 0, violation, counts: {} };
  return { plan, report, cpuMs };
}

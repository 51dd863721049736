import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { conduct } from './conduct.ts';
import { isSound } from './judge/check.ts';
import type { ControlRun } from './judge/control-run.ts';
import { LeaderWatch } from './leader-watch.ts';
import { startLoad } from './load/start-load.ts';
import { type WorkloadName, workloadNames } from './load/workload.ts';
import type { Family } from './nemesis/catalogue.ts';
import { type FaultOptions, parseOptions, usage } from './options.ts';
import { planFaults } from './plan.ts';
import { ProgressLine } from './progress-line.ts';
import { verdictTable } from './report/verdict-table.ts';
import { writeReport } from './report/write-report.ts';
import { concludeRun, controlFor } from './run-load.ts';
import { remainsOf, removeDeadRuns } from './site/leftovers.ts';
import { possibleHere } from './site/possible-here.ts';
import { ownIdentity } from './site/run-identity.ts';
import { type RunningSite, startSite } from './site/start-site.ts';
import type { FaultEvent } from './site.ts';

// Exit status: 0 every promise was kept and every fault really happened; 1 not so; 2 the command is wrong; 130 interrupted.

/** How long the load runs at least when the last fault is over. */
const quietMs = 15_000;
const stop = new AbortController();
/** The second time the process ends at once, and leaves the cleaning up to the next run. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const options = parseOptions(process.argv.slice(2), workloadNames);
if ('length' in options) {
  process.stderr.write(`${options.join('\n')}\n${usage}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await run(options).catch((thrown: unknown) => {
    print(stop.signal.aborted ? 'interrupted' : `failed: ${describe(thrown)}`);
    return stop.signal.aborted ? 130 : 1;
  });
}

async function run(given: FaultOptions): Promise<number> {
  const { network, nemeses, missing } = await possibleHere(given);
  for (const why of missing) print(why);
  const asked: FaultOptions = { ...given, nemeses };
  const out = asked.out === null ? mkdtempSync(join(tmpdir(), 'faults-')) : resolve(asked.out);
  mkdirSync(out, { recursive: true });
  const identity = ownIdentity();
  for (const name of await removeDeadRuns()) print(`removed what ${name} left behind`);
  print(
    `${asked.nodes} nodes, ${asked.minutes} minutes, seed ${asked.seed}, ${asked.nemeses.map(({ name }) => name).join(' ') || 'no faults'}, out ${out}`,
  );
  const control = await controlFor(workloadsOf(asked), { out, seed: asked.seed });
  if (control !== null)
    print(`one plain server shows ${control.anomalies.join(', ') || 'no anomaly'}`);
  stop.signal.throwIfAborted();
  const directory = join(out, 'cluster');
  const has = (family: Family): boolean => asked.nemeses.some((entry) => entry.family === family);
  const site = await startSite(
    {
      run: identity,
      nodeCount: asked.nodes,
      directory,
      basePort: asked.basePort,
      network,
      withDisks: has('disk'),
      withClocks: has('clock'),
      onLine: (line) => log(out, line),
    },
    stop.signal,
  );
  let status: number;
  try {
    status = await test(site, asked, { out, control });
  } finally {
    await site[Symbol.asyncDispose]();
  }
  const remains = await remainsOf(identity, directory);
  if (remains.length > 0) print(`left behind: ${remains.join(', ')}`);
  return remains.length > 0 ? 1 : status;
}

async function test(
  site: RunningSite,
  asked: FaultOptions,
  { out, control }: { readonly out: string; readonly control: ControlRun | null },
): Promise<number> {
  const durationMs = asked.minutes * 60_000;
  const plan = planFaults({ seed: asked.seed, durationMs, nemeses: asked.nemeses });
  writeFileSync(join(out, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
  const events: FaultEvent[] = [];
  await using load = await startLoad(site, {
    workloads: workloadsOf(asked),
    ratePerSecond: asked.ratePerSecond,
    seed: asked.seed,
    out,
    plannedMs: durationMs,
    signal: stop.signal,
  });
  await using watch = new LeaderWatch(site);
  const originMs = performance.now();
  using progress = new ProgressLine({
    endMs: originMs + durationMs,
    counts: () => load.counts(),
    events,
    watch,
  });
  const ended = delay(durationMs, undefined, { signal: stop.signal }).catch(() => undefined);
  await conduct(
    {
      site,
      plan,
      originMs,
      onEvent: (event) => {
        events.push(event);
        progress.line(eventLine(event, originMs));
      },
    },
    stop.signal,
  );
  await ended;
  // Nodes that took long to come back leave no time after the last fault, and what was not seen then proves nothing.
  const quietUntilMs = (events.at(-1)?.atMs ?? 0) + quietMs;
  const waitMs = Math.max(0, quietUntilMs - performance.now());
  await delay(waitMs, undefined, { signal: stop.signal }).catch(() => undefined);
  stop.signal.throwIfAborted();
  progress[Symbol.dispose]();
  const leaders = watch.sightings;
  const judged = await concludeRun({
    ...{ site, load, options: asked, events, leaders, control },
    scheduledFaults: plan.length,
  });
  print(verdictTable(judged, { colours: process.stdout.isTTY === true }));
  const title = `${asked.nodes} nodes, ${asked.minutes} minutes, ${asked.workloads.join(' ')}, ${asked.ratePerSecond} ops/s, seed ${asked.seed}`;
  const { page } = await writeReport(judged, { out, title, about: { options: asked, control } });
  print(page);
  return isSound(judged.checks) ? 0 : 1;
}

function workloadsOf(asked: FaultOptions): readonly WorkloadName[] {
  return workloadNames.filter((name) => asked.workloads.includes(name));
}

function eventLine(event: FaultEvent, originMs: number): string {
  const at = ((event.atMs - originMs) / 1000).toFixed(1).padStart(7);
  const mark = event.confirmed ? '' : ' NOT CONFIRMED';
  return `${at} s  #${event.fault} ${event.nemesis} ${event.variant} ${event.phase}${mark}: ${event.detail}`;
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined
    ? messageOf(thrown)
    : `${messageOf(thrown)}: ${messageOf(thrown.cause)}`;
}

function log(out: string, line: string): void {
  const at = new Date().toISOString();
  writeFileSync(join(out, 'site.log'), `${at} ${line}\n`, { flag: 'a' });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

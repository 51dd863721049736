import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../support/unless-aborted.ts';
import { conduct } from './conduct.ts';
import { isSound } from './judge/check.ts';
import type { ControlRun } from './judge/control-run.ts';
import { judgeRun, type RunRecord } from './judge/judge-run.ts';
import { minimaFor } from './judge/minima.ts';
import { LeaderWatch } from './leader-watch.ts';
import { startLoad } from './load/start-load.ts';
import { type WorkloadName, workloadNames } from './load/workload.ts';
import type { Family } from './nemesis/catalogue.ts';
import { commandLine, type FaultOptions } from './options.ts';
import { planFaults } from './plan.ts';
import { ProgressLine } from './progress-line.ts';
import { verdictTable } from './report/verdict-table.ts';
import { writeReport } from './report/write-report.ts';
import { concludeLoad, controlFor } from './run-load.ts';
import { ServiceMeter } from './service-meter.ts';
import { startGuard } from './site/guard.ts';
import { forgetRun, noteRun, remainsOf, removeDeadRuns, removeRun } from './site/leftovers.ts';
import { type Possible, possibleHere } from './site/possible-here.ts';
import { ownIdentity, type RunIdentity } from './site/run-identity.ts';
import { type RunningSite, startSite } from './site/start-site.ts';
import type { FaultEvent } from './site.ts';

// One run from its beginning to its verdict. What it makes outside its folder is gone when it ends, however that is.

export interface RunControls {
  /** Aborts when a person wants no more of it. */
  readonly signal: AbortSignal;
  /** From now on there is nothing to be removed: what follows is computation, and files. */
  onNothingLeft(): void;
}

interface RunPlace {
  readonly run: RunIdentity;
  readonly out: string;
  readonly cluster: string;
}

/** How long the load runs at least when the last fault is over. */
const quietMs = 15_000;
/** Whoever interrupts does not wait for leadership to be handed over. */
const hurryMs = 500;

/** Answers the exit status. Rejects when there is no verdict. */
export async function runFaults(given: FaultOptions, controls: RunControls): Promise<number> {
  const run = ownIdentity();
  const made = given.out === null ? mkdtempSync(join(tmpdir(), 'faults-')) : resolve(given.out);
  mkdirSync(made, { recursive: true });
  // As the kernel names it in its list of mounts.
  const out = realpathSync(made);
  const place: RunPlace = { run, out, cluster: join(out, 'cluster') };
  const folders = [place.cluster, join(out, 'control'), join(out, 'probe')];
  noteRun(run, { folders, temporary: given.out === null ? out : null });
  const dismissGuard = startGuard(run);
  try {
    return await runIn(place, given, controls);
  } finally {
    // An interrupted run may have tools under way, so its guard looks again when it is gone.
    if (controls.signal.aborted) await removeRun(run);
    else {
      await forgetRun(run, { hasVerdict: true });
      dismissGuard();
    }
  }
}

async function runIn(place: RunPlace, given: FaultOptions, controls: RunControls): Promise<number> {
  const { run, out } = place;
  for (const name of await removeDeadRuns()) print(`removed what ${name} left behind`);
  const possible = await possibleHere(given, { run, probeFolder: join(out, 'probe') });
  for (const why of possible.missing) print(why);
  const names = given.nemeses.map(({ name }) => name);
  print(`${given.nodes} nodes, ${given.minutes} minutes, ${names.join(' ') || 'no faults'}`);
  print(`again: ${commandLine(given)}`);
  print(`out: ${out}`);
  const { signal } = controls;
  signal.throwIfAborted();
  const control = await controlFor(workloadsOf(given), { out, seed: given.seed, signal });
  if (control !== null) {
    print(`one plain server shows ${control.anomalies.join(', ') || 'no anomaly'}`);
  }
  const record = await observe(place, { given, possible, control }, signal);
  const remains = await remainsOf(run);
  if (remains.length > 0) print(`left behind: ${remains.join(', ')}`);
  controls.onNothingLeft();
  const isSoundRun = await judge(record, { out, given, control });
  return isSoundRun && remains.length === 0 ? 0 : 1;
}

interface Asked {
  readonly given: FaultOptions;
  readonly possible: Possible;
  readonly control: ControlRun | null;
}

/** Faults and load on a cluster that is gone when this settles. */
async function observe(place: RunPlace, asked: Asked, signal: AbortSignal): Promise<RunRecord> {
  const { given, possible } = asked;
  const has = (family: Family): boolean =>
    possible.nemeses.some((entry) => entry.family === family);
  print(`starting ${given.nodes} nodes`);
  const site = await startSite(
    {
      run: place.run,
      nodeCount: given.nodes,
      directory: place.cluster,
      basePort: given.basePort,
      tickMs: given.tickMs,
      network: possible.network,
      withDisks: has('disk'),
      withClocks: has('clock'),
      onLine: (line) => log(place.out, line),
    },
    signal,
  );
  try {
    return await strikeAndRecord(site, asked, { out: place.out, signal });
  } finally {
    if (signal.aborted) await site.close(hurryMs);
    else await site[Symbol.asyncDispose]();
  }
}

async function strikeAndRecord(
  site: RunningSite,
  { given, possible, control }: Asked,
  { out, signal }: { readonly out: string; readonly signal: AbortSignal },
): Promise<RunRecord> {
  const durationMs = given.minutes * 60_000;
  const plan = planFaults({ seed: given.seed, durationMs, nemeses: possible.nemeses });
  writeFileSync(join(out, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
  const workloads = workloadsOf(given);
  const { ratePerSecond, seed } = given;
  print('making tables and clients');
  await using load = await startLoad(site, {
    ...{ workloads, ratePerSecond, seed, out, signal },
    plannedMs: durationMs,
  });
  await using watch = new LeaderWatch(site);
  const events: FaultEvent[] = [];
  const originMs = performance.now();
  using progress = new ProgressLine({
    endMs: originMs + durationMs,
    counts: () => load.counts(),
    events,
    watch,
  });
  const onEvent = (event: FaultEvent): void => {
    events.push(event);
    progress.line(eventLine(event, originMs));
  };
  const meter = new ServiceMeter(() => load.counts(), minimaFor(ratePerSecond).service);
  const served = (until: AbortSignal): Promise<void> => meter.served(until);
  const conducted = conduct({ site, plan, originMs, durationMs, onEvent, served }, signal);
  const leftOut = await unlessAborted(signal, conducted);
  if (plan.length > 0) await unlessAborted(signal, meter.served(signal));
  // Nodes that took long to come back leave no time after the last fault, and what was not seen then proves nothing.
  const endMs = Math.max(originMs + durationMs, performance.now() + quietMs);
  await delay(Math.max(0, endMs - performance.now()), undefined, { signal });
  progress[Symbol.dispose]();
  const concluded = await unlessAborted(signal, concludeLoad({ site, load, events }));
  return {
    ...concluded,
    ...{ events, control, ratePerSecond, workloads },
    schedule: given.nemeses.length === 0 ? null : { planned: plan.length, leftOut },
    leaders: watch.sightings,
  };
}

async function judge(
  record: RunRecord,
  run: {
    readonly out: string;
    readonly given: FaultOptions;
    readonly control: ControlRun | null;
  },
): Promise<boolean> {
  const { out, given, control } = run;
  const judged = await judgeRun(record);
  print(verdictTable(judged, { colours: process.stdout.isTTY === true }));
  const title = `${given.nodes} nodes, ${given.minutes} minutes, ${given.workloads.join(' ')}, ${given.ratePerSecond} ops/s, seed ${given.seed}`;
  const { page } = await writeReport(judged, { out, title, about: { options: given, control } });
  print(page);
  return isSound(judged.checks);
}

function workloadsOf(asked: FaultOptions): readonly WorkloadName[] {
  return workloadNames.filter((name) => asked.workloads.includes(name));
}

function eventLine(event: FaultEvent, originMs: number): string {
  const at = ((event.atMs - originMs) / 1000).toFixed(1).padStart(7);
  const mark = event.confirmed ? '' : ' NOT CONFIRMED';
  return `${at} s  #${event.fault} ${event.nemesis} ${event.variant} ${event.phase}${mark}: ${event.detail}`;
}

function log(out: string, line: string): void {
  const at = new Date().toISOString();
  writeFileSync(join(out, 'site.log'), `${at} ${line}\n`, { flag: 'a' });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

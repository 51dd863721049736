import { MemoryWatch } from '../test/support/process-memory.ts';
import { unlessAborted } from '../test/support/unless-aborted.ts';
import type { Metric } from './core/sample.ts';
import { MemberWork } from './member-work.ts';
import { PutClient } from './put-client.ts';
import { type PutLoad, type PutReport, runPutLoad } from './put-load.ts';
import type { WarmUp } from './put-turn.ts';
import {
  type PutSystem,
  type PutTurn,
  requireSameLeader,
  untilElected,
  withWhoeverLeads,
} from './systems/put-system.ts';
import { type RaftGroupOptions, startRaftGroup, startRaftMember } from './systems/raft-group.ts';

const payloadWarmUp: WarmUp = { clients: 64, seconds: 2 };
/** Behind the start of a long log V8 compiles for longer. An empty one gets the same. */
export const grownWarmUp: WarmUp = { ...payloadWarmUp, seconds: 4 };
export const grownMeasure = 'put after a start';
const grownClients = 16;
const fillBytes = 100;
const memoryPollMs = 200;
const megabyte = 1_000_000;

/** A payload, and how many put it at once: enough to keep the log busy, not so many that they wait in memory. */
export interface PayloadSize {
  readonly measure: string;
  readonly bytes: number;
  readonly clients: number;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
export const payloadSizes: readonly PayloadSize[] = [
  { measure: 'payload 100 B', bytes: 100, clients: 64 },
  { measure: 'payload 10 KiB', bytes: 10 * kibibyte, clients: 16 },
  { measure: 'payload 1 MiB', bytes: mebibyte, clients: 4 },
  { measure: 'payload 64 MiB', bytes: 64 * mebibyte, clients: 1 },
];

export interface GrownPlan {
  readonly members: number;
  readonly entries: number;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly warmUp: WarmUp;
}

/**
 * Makes a log of so many entries, ends its members, takes the time one of them needs to be there again, and loads the group. With
 * no entries all else is the same.
 */
export async function grownTurn(turn: PutTurn, plan: GrownPlan): Promise<void> {
  const options = { count: plan.members, seed: turn.round };
  turn.doing('fill');
  await fillLog(turn, plan.entries, options);
  turn.doing('start');
  const beganMs = turn.clock.monotonicMs();
  const alone = await startRaftMember(turn, { ...options, number: 1 });
  const startMs = turn.clock.monotonicMs() - beganMs;
  await alone[Symbol.asyncDispose]();
  await using system = await startRaftGroup(turn, options);
  turn.doing('warm up');
  await warm(turn, system, plan.warmUp);
  turn.doing('load');
  const measured = await measure(turn, system, { ...plan, clients: grownClients });
  record(turn, { measure: grownMeasure, x: grownClients, measured, more: { startMs } });
}

/** Appends until the log has so many committed entries, through changes of the leader if there are some: nothing is measured yet. */
async function fillLog(turn: PutTurn, entries: number, options: RaftGroupOptions): Promise<void> {
  await using system = await startRaftGroup(turn, options);
  await withWhoeverLeads(turn, system.members, async (leader) => {
    const missing = entries - Number(leader.status.index);
    if (missing <= 0) return;
    using client = new PutClient(leader.port);
    await unlessAborted(turn.signal, client.fill({ count: missing, bytes: fillBytes }));
  });
}

/** Payloads from small to large on one group, whose log grows meanwhile. */
export async function payloadTurn(
  turn: PutTurn,
  plan: { readonly seconds: number; readonly sizes: readonly PayloadSize[] },
): Promise<void> {
  turn.doing('start');
  await using system = await startRaftGroup(turn);
  turn.doing('warm up');
  await warm(turn, system, payloadWarmUp);
  for (const { measure: name, bytes, clients } of plan.sizes) {
    turn.doing(name);
    const { seconds } = plan;
    const measured = await measure(turn, system, { valueBytes: bytes, clients, seconds });
    const megabytesPerSecond = (measured.report.putsPerSecond * bytes) / megabyte;
    record(turn, { measure: name, x: clients, measured, more: { megabytesPerSecond } });
  }
}

/** Idle memory is that of a process that has worked, and code is compiled. */
async function warm(turn: PutTurn, system: PutSystem, load: WarmUp): Promise<void> {
  const { clock, signal } = turn;
  await withWhoeverLeads(turn, system.members, async ({ port }) => {
    await runPutLoad(clock, { ...load, port, valueBytes: fillBytes, signal });
  });
}

interface Measured {
  readonly report: PutReport;
  readonly metrics: Partial<Record<Metric, number>>;
}

async function measure(
  turn: PutTurn,
  system: PutSystem,
  plan: Pick<PutLoad, 'clients' | 'seconds' | 'valueBytes'>,
): Promise<Measured> {
  const { clock, signal } = turn;
  const leader = await untilElected(turn, system.members);
  const { clients, seconds, valueBytes } = plan;
  const load = { port: leader.port, clients, valueBytes, signal };
  const pids = system.members.map(({ pid }) => pid);
  const work = await MemberWork.begin(pids);
  using memory = new MemoryWatch(pids, memoryPollMs);
  const report = await runPutLoad(clock, { ...load, seconds });
  const each = await work.per(report.puts);
  await requireSameLeader(system.members, leader, report.puts);
  const rises = memory.rises.map(({ before, peak }) => peak.privateMiB - before.privateMiB);
  const peaks = memory.rises.map(({ peak }) => peak.privateMiB);
  return {
    report,
    metrics: { ...each, memoryMiB: Math.max(...peaks), memoryRiseMiB: Math.max(...rises) },
  };
}

function record(
  turn: PutTurn,
  sample: {
    readonly measure: string;
    readonly x: number;
    readonly measured: Measured;
    readonly more: Partial<Record<Metric, number>>;
  },
): void {
  const { report, metrics } = sample.measured;
  turn.record({
    measure: sample.measure,
    x: sample.x,
    metrics: { throughput: report.putsPerSecond, ...metrics, ...sample.more },
    distribution: report.latenciesMs,
  });
}

import { MemberWork } from './member-work.ts';
import { runPutLoad } from './put-load.ts';
import {
  type PutTurn,
  requireSameLeader,
  type StartPutSystem,
  untilElected,
} from './systems/put-system.ts';

export interface WarmUp {
  readonly clients: number;
  readonly seconds: number;
}

export interface PutPlan {
  readonly clients: readonly number[];
  readonly seconds: number;
  readonly valueBytes: number;
  /** One after the other, before anything is measured. */
  readonly warmUp: readonly WarmUp[];
}

export const putMeasure = 'put';
/**
 * Ours begins with code that has not been compiled yet, and so does the client of both. Many clients warm what is done for each put; it
 * takes one alone to warm what is done for each write, since many share their writes.
 */
export const warmUp: readonly WarmUp[] = [
  { clients: 64, seconds: 1 },
  { clients: 1, seconds: 3 },
];

/** Starts a group, waits for its leader, loads that one, proves that it led all the time, and ends it. */
export async function putTurn(turn: PutTurn, start: StartPutSystem, plan: PutPlan): Promise<void> {
  const { clock, signal } = turn;
  const { valueBytes, seconds } = plan;
  turn.doing('start');
  await using system = await start(turn);
  const leader = await untilElected(turn, system.members);
  const load = { port: leader.port, valueBytes, signal };
  turn.doing('warm up');
  let puts = 0;
  for (const warming of plan.warmUp) {
    puts += (await runPutLoad(clock, { ...load, ...warming })).puts;
  }
  for (const clients of plan.clients) {
    turn.doing(`${clients} clients`);
    const work = await MemberWork.begin(system.members.map(({ pid }) => pid));
    const report = await runPutLoad(clock, { ...load, clients, seconds });
    puts += report.puts;
    turn.record({
      measure: putMeasure,
      x: clients,
      metrics: { throughput: report.putsPerSecond, ...(await work.per(report.puts)) },
      distribution: report.latenciesMs,
    });
  }
  await requireSameLeader(system.members, leader, puts);
}

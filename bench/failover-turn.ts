import { setTimeout as delay } from 'node:timers/promises';
import { allNodesBack, createWritesTable } from '../test/kill/campaign.ts';
import { type FaultKind, strikeLeader } from '../test/kill/faults.ts';
import { verify } from '../test/kill/verify.ts';
import { Workload } from '../test/kill/workload.ts';
import type { BinraftCluster } from '../test/support/binraft-cluster.ts';
import { kill } from '../test/support/processes.ts';
import { unlessAborted } from '../test/support/unless-aborted.ts';
import { aroundMs, dipPercentAround, steadyMs } from './core/dip.ts';
import { distributionOf } from './core/distribution.ts';
import { median } from './core/statistics.ts';
import type { Turn } from './environment.ts';
import { BenchError } from './errors.ts';
import { IdleSessions } from './idle-sessions.ts';
import { startCluster } from './systems/binraft.ts';

/** What is done to a cluster under load, by the name of its measure; null is done to a follower. */
const faults: Readonly<Record<FailoverMeasure, FaultKind | null>> = {
  'leader killed': 'both',
  'mysqld killed': 'mysqld',
  'planned transfer': 'transfer',
  'follower killed': null,
};
export const failoverMeasures = [
  'leader killed',
  'mysqld killed',
  'planned transfer',
  'follower killed',
] as const;
export type FailoverMeasure = (typeof failoverMeasures)[number];

const busySessions = 4;
const idleSessions = 32;
/** For throughput around the loss of a follower: enough sessions that one more or less does not show. */
const steadySessions = 16;
const writesBefore = 50;
const writesAfter = 50;
/** The last acknowledgement before a fault may be this old. */
const beforeMs = 100;
/** A follower is killed at most this often in a turn: each time takes seven seconds. */
const followerTimesMax = 5;

/** Does each of the faults `times` times while sessions write, and records how long nobody could. */
export async function failoverTurn(turn: Turn, times: number): Promise<void> {
  turn.doing('start');
  await using cluster = await startCluster(turn, { nodes: 3, reads: 'read-index' });
  await unlessAborted(turn.signal, cluster.settled());
  for (const measure of failoverMeasures) {
    const work = runMeasure(turn, cluster, { measure, times });
    await unlessAborted(turn.signal, work);
  }
}

interface Plan {
  readonly measure: FailoverMeasure;
  readonly times: number;
}

async function runMeasure(turn: Turn, cluster: BinraftCluster, plan: Plan): Promise<void> {
  const table = `failover.${plan.measure.replaceAll(' ', '_')}`;
  await createWritesTable(cluster, table);
  const sessions = {
    ports: cluster.nodes.map((node) => node.readWritePort),
    user: 'app',
    password: cluster.appPassword,
  };
  const writers = faults[plan.measure] === null ? steadySessions : busySessions;
  const count = plan.measure === 'planned transfer' ? idleSessions : 0;
  await using idle = new IdleSessions({ ...sessions, count });
  await using workload = new Workload({ ...sessions, writers, table });
  // A turn that is given up must not write into the next one.
  turn.signal.addEventListener('abort', () => void Promise.all([workload.stop(), idle.stop()]), {
    once: true,
  });
  const fault = faults[plan.measure];
  if (fault === null) await loseFollowers(turn, { cluster, workload, plan });
  else await strikeLeaders(turn, { cluster, workload, idle, plan, fault });
  const history = await workload.stop();
  // A gap means something only when nothing was lost in it.
  const verdict = await verify(cluster, table, [history]);
  if (verdict.violations.length === 0) return;
  throw new BenchError('BENCH_WRITES_LOST', `${plan.measure}: ${verdict.violations.join('; ')}`);
}

async function strikeLeaders(
  turn: Turn,
  parts: {
    readonly cluster: BinraftCluster;
    readonly workload: Workload;
    readonly idle: IdleSessions;
    readonly plan: Plan;
    readonly fault: FaultKind;
  },
): Promise<void> {
  const { cluster, workload, idle, plan } = parts;
  const gapsMs: number[] = [];
  for (let time = 1; time <= plan.times; time += 1) {
    turn.signal.throwIfAborted();
    turn.doing(`${plan.measure} ${time} of ${plan.times}`);
    await idle.allOpen(turn.signal);
    await workload.progress(writesBefore);
    const beganMs = performance.now();
    await strikeLeader(cluster, parts.fault);
    await workload.progress(writesAfter);
    gapsMs.push(workload.history.writeGapMs(beganMs - beforeMs, performance.now()));
    await allNodesBack(cluster);
  }
  turn.record({ measure: plan.measure, x: 0, metrics: {}, distribution: distributionOf(gapsMs) });
}

/** How much less is written in the second around the death of a follower than in the three before it. */
async function loseFollowers(
  turn: Turn,
  parts: {
    readonly cluster: BinraftCluster;
    readonly workload: Workload;
    readonly plan: Plan;
  },
): Promise<void> {
  const { cluster, workload, plan } = parts;
  const times = Math.min(plan.times, followerTimesMax);
  const dips: number[] = [];
  const gapsMs: number[] = [];
  await workload.progress(writesBefore);
  for (let time = 1; time <= times; time += 1) {
    turn.signal.throwIfAborted();
    turn.doing(`${plan.measure} ${time} of ${times}`);
    await delay(steadyMs + aroundMs, undefined, { signal: turn.signal });
    const killedMs = await killFollower(cluster);
    await delay(aroundMs, undefined, { signal: turn.signal });
    const dip = dipPercentAround(workload.history.ackTimesMs, killedMs);
    if (dip !== null) dips.push(dip);
    gapsMs.push(workload.history.writeGapMs(killedMs - beforeMs, killedMs + aroundMs));
    await allNodesBack(cluster);
  }
  const dipPercent = median(dips);
  turn.record({
    measure: plan.measure,
    x: 0,
    metrics: dipPercent === null ? {} : { dipPercent },
    distribution: distributionOf(gapsMs),
  });
}

/** Kills sidecar and server of a follower; answers when. */
async function killFollower(cluster: BinraftCluster): Promise<number> {
  const leader = await cluster.leader();
  const { nodes } = await cluster.status();
  const follower = nodes.find((member) => member.id !== leader.node);
  if (follower?.kind !== 'reached' || follower.status.mysql.pid === null) {
    throw new BenchError('BENCH_LOAD_FAILED', 'no follower answers');
  }
  kill(follower.status.mysql.pid, 'SIGKILL');
  kill(follower.status.pid, 'SIGKILL');
  return performance.now();
}

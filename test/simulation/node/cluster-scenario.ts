import { checkEngines } from '../checkers/engines.ts';
import { GateChecker } from '../checkers/gates.ts';
import { judgeHistories } from '../checkers/histories.ts';
import { PrefixChecker } from '../checkers/prefix-reads.ts';
import { RebuildChecker } from '../checkers/rebuilds.ts';
import { SingleExecutionChecker } from '../checkers/single-execution.ts';
import { UnloggedChecker } from '../checkers/unlogged-writes.ts';
import { VisibilityChecker } from '../checkers/visibility.ts';
import type { Fate } from '../clients/app.ts';
import { tables } from '../clients/workloads.ts';
import { networkOf } from '../kernel/planned-network.ts';
import { knobOf, type RunPlan, type RunReport, type Scenario } from '../kernel/scenario.ts';
import { Simulation } from '../kernel/simulation.ts';
import type { Trace } from '../kernel/trace.ts';
import { adminFaultKinds } from './admin-faults.ts';
import { ClusterApps } from './cluster-apps.ts';
import { diskOf, drawClusterPlan, nodeSettingsOf, warmUpMs } from './cluster-plan.ts';
import { CommittedLog } from './committed-log.ts';
import { diskFaultKinds } from './disk-faults.ts';
import { ClusterFaults, faultKinds, sequenceKinds } from './faults.ts';
import type { Machine } from './machine.ts';
import { memberFaultKinds } from './member-faults.ts';
import { SimCluster } from './sim-cluster.ts';

/** A healed cluster must serve within so long (HAZARDS C10): back-offs of 10 s, an election, a rebuild. */
const recoveryMsMax = 45_000;
/** And have applied everything everywhere so long after the last statement. */
const drainMsMax = 30_000;
const operationsAfterHeal = 20;
const sliceUs = 200_000;

/**
 * A whole cluster: real Raft, bridge and proxy on simulated disks, networks and servers, with applications that write down what
 * they see. First with faults, then healed.
 */
export const clusterScenario: Scenario = {
  name: 'cluster',
  draw: (seed, wishes) => drawClusterPlan('cluster', seed, wishes),
  run: (plan, trace) => new ClusterRun(plan, trace).run(),
  missingIn,
};

/** What changes of members must have led to. */
const churnCounts = [
  'member-changes',
  'nodes-joined',
  'witnesses-joined',
  'nodes-stopped',
  'lost-nodes-replaced',
  'promotions of newcomers',
  'witnesses',
  'transactions of fragments',
  'checkpoints used',
];

/** Fewer runs say nothing about the rest. */
const runsMin = 50;
/** Changes of members are in a third of the plans only. */
const churnRunsMin = 150;

/** Many runs together: every kind of fault struck, and many of them a leader. */
function missingIn(totals: Readonly<Record<string, number>>, runs: number): string[] {
  if (runs < runsMin) return [];
  const of = (name: string): number => totals[name] ?? 0;
  const ofChurn =
    runs < churnRunsMin
      ? []
      : [
          ...memberFaultKinds,
          ...diskFaultKinds,
          ...adminFaultKinds,
          ...sequenceKinds,
          ...churnCounts,
        ];
  const missing = [...faultKinds, ...ofChurn]
    .filter((name) => of(name) === 0)
    .map((name) => `no ${name}`);
  if (of('commits') < 50 * runs) missing.push(`only ${of('commits')} commits`);
  if (of('promotions') < 2 * runs) missing.push(`only ${of('promotions')} promotions`);
  if (of('at the leader') < runs) missing.push(`only ${of('at the leader')} faults hit a leader`);
  if (of('prefix reads') < 20 * runs) missing.push(`only ${of('prefix reads')} stale reads`);
  if (of('transfer handed-over') < runs / 20) missing.push('hardly a transfer');
  return missing;
}

class ClusterRun {
  readonly #plan: RunPlan;
  readonly #simulation: Simulation;
  readonly #log: CommittedLog;
  readonly #visibility: VisibilityChecker;
  readonly #prefix: PrefixChecker;
  readonly #statements: SingleExecutionChecker;
  readonly #gates: GateChecker;
  readonly #rebuilds: RebuildChecker;
  readonly #unlogged: UnloggedChecker;
  readonly #cluster: SimCluster;
  readonly #apps: ClusterApps;
  readonly #faults: ClusterFaults;
  readonly #fates: Record<Fate, number> = { ok: 0, fail: 0, info: 0 };
  readonly #counts = new Map<string, number>();
  #elections = 0;
  #recoveryMs = 0;
  #undecided = 0;

  constructor(plan: RunPlan, trace: Trace) {
    this.#plan = plan;
    const simulation = new Simulation({ seed: plan.seed, trace });
    this.#simulation = simulation;
    this.#log = new CommittedLog(simulation);
    this.#visibility = new VisibilityChecker(simulation, this.#log);
    this.#prefix = new PrefixChecker(simulation, this.#log, tables.set);
    this.#statements = new SingleExecutionChecker(simulation);
    this.#gates = new GateChecker(simulation);
    this.#rebuilds = new RebuildChecker(simulation);
    this.#unlogged = new UnloggedChecker(simulation, (host) =>
      this.#cluster.machines.find(({ mysqld }) => mysqld === host),
    );
    this.#cluster = this.#buildCluster();
    this.#apps = new ClusterApps({
      cluster: this.#cluster,
      thinkMs: knobOf(plan, 'thinkMs') || 400,
      largeBytes: knobOf(plan, 'largeBytes') || 100,
      observer: {
        acknowledged: (client, gtid) =>
          this.#log.claim(gtid, 'G3', { who: `${client} was told OK for` }),
        sawSet: (reader, connection, keys) => this.#prefix.saw({ reader, connection, keys }),
        wroteReadOnly: (client, came) => this.#wroteReadOnly(client, came),
        ended: (fate) => {
          this.#fates[fate] += 1;
        },
      },
    });
    this.#faults = new ClusterFaults(this.#cluster, (kind) => {
      this.#rebuilds.struck(kind);
      if (adminFaultKinds.includes(kind)) this.#unlogged.expect();
    });
  }

  async run(): Promise<RunReport> {
    const { faultyMs, faults } = this.#plan;
    const simulation = this.#simulation;
    this.#cluster.startAll();
    this.#apps.start();
    this.#faults.schedule(faults.map((fault) => ({ ...fault, atMs: fault.atMs + warmUpMs })));
    await simulation.run({ untilUs: (warmUpMs + faultyMs) * 1000 });
    await this.#recover();
    await this.#drain();
    this.#judge();
    const report = this.#report();
    simulation.end();
    return report;
  }

  /** Second phase: healed, a majority must serve within bounded time (C10). */
  async #recover(): Promise<void> {
    if (this.#simulation.violation !== null) return;
    const begunUs = this.#simulation.nowUs;
    this.#simulation.log('phase', 'healed', 'news');
    this.#faults.healAll();
    const wanted = this.#fates.ok + operationsAfterHeal;
    const isServing = (): boolean => this.#fates.ok >= wanted && this.#cluster.primary !== null;
    await this.#until(isServing, recoveryMsMax, () => `not served: ${this.#describe()}`);
    this.#recoveryMs = Math.round((this.#simulation.nowUs - begunUs) / 1000);
  }

  /** No waiter is stuck, every server applies everything, and everybody can read it. */
  async #drain(): Promise<void> {
    const simulation = this.#simulation;
    if (simulation.violation !== null) return;
    simulation.log('phase', 'drains', 'news');
    let isStopped = false;
    void this.#apps.stop().then(() => {
      isStopped = true;
    });
    await this.#until(
      () => isStopped,
      drainMsMax,
      () => `operations hang: ${this.#describe()}`,
    );
    await this.#untilDrained();
    const ids = this.#databases().map(({ id }) => id);
    let reads = 0;
    for (const id of ids) {
      for (const isReadOnly of [false, true]) {
        void this.#apps.readAll(id, { isReadOnly }).then(() => {
          reads += 1;
        });
      }
    }
    const isRead = (): boolean => reads === 2 * ids.length;
    await this.#until(isRead, drainMsMax, () => `last reads: ${reads} of ${2 * ids.length}`);
    // What a client gave up may have waited for a disk or a lock until now, and has committed since.
    await this.#untilDrained();
  }

  #judge(): void {
    const { violation } = this.#simulation;
    if (violation !== null) return;
    this.#log.judgeAll();
    this.#prefix.judgeAll();
    const servers = this.#databases().map(({ mysqld }) => mysqld);
    checkEngines(this.#simulation, this.#log.transactions, servers);
    const undecided = judgeHistories(this.#simulation, this.#apps.histories);
    this.#undecided = undecided.length;
    for (const each of undecided) this.#simulation.log('check', `undecided ${each}`, 'news');
    this.#checkActivity();
  }

  /** A run in which little happened proves little (C11). */
  #checkActivity(): void {
    const simulation = this.#simulation;
    const { faultyMs } = this.#plan;
    const commits = this.#log.transactions.length;
    const leastCommits = Math.floor((warmUpMs + faultyMs) / 6_000) + 5;
    simulation.check(commits >= leastCommits, 'C11', () => `only ${commits} commits`);
    simulation.check(this.#gates.promotions >= 1, 'C11', () => 'nobody was ever promoted');
    const { ok } = this.#fates;
    simulation.check(ok >= leastCommits, 'C11', () => `only ${ok} operations ended well`);
  }

  async #until(isOver: () => boolean, msMax: number, why: () => string): Promise<void> {
    const simulation = this.#simulation;
    const untilUs = simulation.nowUs + msMax * 1000;
    while (simulation.violation === null && !isOver()) {
      if (simulation.nowUs >= untilUs) {
        simulation.violated('C10', `${msMax} ms are over: ${why()}`);
        return;
      }
      await simulation.run({ untilUs: simulation.nowUs + sliceUs });
    }
  }

  /** Those that must hold the same in the end: the members of the last configuration. */
  #databases(): readonly Machine[] {
    const members = this.#cluster.operator.settledNodes ?? [];
    return members.filter(({ isWitness }) => !isWitness);
  }

  /** Everything that is committed is known here and applied everywhere, and every member has its place. */
  async #untilDrained(): Promise<void> {
    const isOver = (): boolean => this.#isDrained();
    await this.#until(isOver, drainMsMax, () => `not drained: ${this.#describe()}`);
  }

  #isDrained(): boolean {
    const { transactions, commitIndexMax } = this.#log;
    const members = this.#cluster.operator.settledNodes;
    if (members === null) return false;
    return members.every(({ node, mysqld, isWitness }) => {
      if (isWitness) return node?.raft.status.commitIndex === commitIndexMax;
      const kind = node?.bridge?.state.kind;
      const engine = mysqld.program?.disk.engine;
      return (
        (kind === 'primary' || kind === 'replica') &&
        node?.raft.status.commitIndex === commitIndexMax &&
        engine?.gtids.count === BigInt(transactions.length)
      );
    });
  }

  #describe(): string {
    return this.#cluster.machines
      .map(({ id, node, mysqld }) => {
        const status = node?.raft.status;
        const state = node?.bridge?.status;
        const role = `${status?.role ?? 'down'} term ${status?.term} commit ${status?.commitIndex}`;
        const count = mysqld.program?.disk.engine.gtids.count;
        return `${id} ${role}, ${state?.state.kind} (${state?.reason}), ${count} executed`;
      })
      .join('; ');
  }

  /**
   * An administrator who lifts the protection of a server lifts it for its sessions too, until the sidecar notices: a write may be taken
   * into a transaction then, but it never commits.
   */
  #wroteReadOnly(client: string, came: 'taken' | 'committed'): void {
    const lifts = ['errant-write', ...adminFaultKinds];
    const isUnprotected =
      came === 'taken' && lifts.some((kind) => this.#faults.counts[kind] !== undefined);
    this.#simulation.check(
      isUnprotected,
      'S4',
      () => `a write of ${client} by the read-only port was ${came}`,
    );
  }

  #buildCluster(): SimCluster {
    const plan = this.#plan;
    const cluster = new SimCluster({
      simulation: this.#simulation,
      nodeCount: plan.nodeCount,
      hasWitness: knobOf(plan, 'hasWitness') === 1,
      disk: diskOf(plan),
      settings: nodeSettingsOf(plan),
      binlogBytesMax: knobOf(plan, 'binlogBytesMax') || 1_073_741_824,
      applierWorkers: knobOf(plan, 'applierWorkers') || 4,
      log: this.#log,
      observers: {
        server: {
          committed: (host, effect) => {
            if (effect.gtid === null && this.#unlogged.wrote(host)) return;
            this.#visibility.committed(host, effect);
          },
          started: (host) => this.#visibility.started(host),
          applierFailed: (host, error) => this.#rebuilds.applierFailed(host.name, error),
        },
        dump: this.#visibility,
        statement: this.#statements,
        onNode: (node) => {
          let role = node.raft.status.role;
          node.raft.onChange((status) => {
            if (status.role === 'leader' && role !== 'leader') this.#elections += 1;
            role = status.role;
          });
        },
        onGate: (node) => this.#gates.look(node),
        onRole: (node, state) =>
          this.#rebuilds.changed(node.id, state, node.bridge?.status.reason ?? ''),
      },
      count: (what) => this.#count(what),
    });
    cluster.network.setConditions(networkOf(plan));
    return cluster;
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Of nodes that were not there at the beginning. */
  get #promotionsOfNewcomers(): number {
    const { incoming } = this.#cluster.operator.initial;
    return this.#gates.owners.filter((owner) => incoming.every(({ id }) => id !== owner)).length;
  }

  #report(): RunReport {
    const simulation = this.#simulation;
    const { violation, trace } = simulation;
    const checkpoints = this.#cluster.operator.everyMember.map(
      ({ checkpoint }) => checkpoint.counts,
    );
    return {
      hash: trace.hash,
      eventCount: simulation.eventCount,
      simulatedMs: Math.round(simulation.nowUs / 1000),
      violation: violation === null ? null : { rule: violation.rule, message: violation.message },
      counts: {
        commits: this.#log.transactions.length,
        elections: this.#elections,
        promotions: this.#gates.promotions,
        rebuilds: this.#rebuilds.count,
        statements: this.#statements.count,
        'operations ok': this.#fates.ok,
        'operations failed': this.#fates.fail,
        'operations unknown': this.#fates.info,
        ...this.#visibility.counts,
        ...this.#unlogged.counts,
        'prefix reads': this.#prefix.count,
        'recovery ms': this.#recoveryMs,
        undecided: this.#undecided,
        'promotions of newcomers': this.#promotionsOfNewcomers,
        witnesses: knobOf(this.#plan, 'hasWitness'),
        'checkpoints used': sum(checkpoints.map(({ used }) => used)),
        'checkpoints refused': sum(checkpoints.map(({ refused }) => refused)),
        'transactions of fragments': this.#log.fragmentedCount,
        'abandoned fragments': this.#log.abandonedCount,
        ...Object.fromEntries(this.#counts),
        ...this.#faults.counts,
      },
    };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

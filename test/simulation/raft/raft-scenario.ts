import type { Member } from '../../../raft/core/membership.ts';
import type { Message } from '../../../raft/core/messages.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import { AnswersCounted } from '../checkers/answers-counted.ts';
import { DurableBeforeSent } from '../checkers/durable-before-sent.ts';
import { ElectionSafety } from '../checkers/election-safety.ts';
import { HungLog } from '../checkers/hung-log.ts';
import { LeaderLog } from '../checkers/leader-log.ts';
import { Ledger } from '../checkers/ledger.ts';
import { LinearOrder } from '../checkers/linear-order.ts';
import { LogMatching } from '../checkers/log-matching.ts';
import { MemberChanges } from '../checkers/member-changes.ts';
import { MonotoneState } from '../checkers/monotone-state.ts';
import { QuorumLog } from '../checkers/quorum-log.ts';
import type { RaftChecker } from '../checkers/raft-checker.ts';
import { RegisterValues } from '../checkers/register-values.ts';
import { Strangers } from '../checkers/strangers.ts';
import { TailDecided } from '../checkers/tail-decided.ts';
import {
  Connections,
  Datagrams,
  goodDisk,
  happens,
  knobOf,
  Network,
  networkOf,
  Processes,
  perfectNetwork,
  pickFrom,
  type RunPlan,
  type RunReport,
  type Scenario,
  SimHost,
  Simulation,
  type Trace,
} from '../kernel/index.ts';
import { Absentees } from './absentees.ts';
import { messageText } from './message-text.ts';
import { RaftCluster } from './raft-cluster.ts';
import { RaftFaults, strangerId } from './raft-faults.ts';
import { processNameOf, RaftMember, type RaftWorld } from './raft-member.ts';
import { drawRaftPlan, memberSettingsOf } from './raft-plan.ts';
import { RegisterClient } from './register-client.ts';
import type { RegisterConnections, RegisterRequest, RegisterResponse } from './register-server.ts';

/** Members beyond which nobody is added. */
const membersMax = 7;
/** A healed majority must serve every client within so many election timeouts of a second (HAZARDS C10). */
const recoveryMsMax = 20_000;
/** Where some stay away it takes longer: whoever asks one that is stopped waits in vain for two seconds, and may do so again. */
const absenceMsMax = 40_000;
/** And everybody must hold the same within this time after the last call. */
const convergenceMsMax = 20_000;
/** Calls that each client must get done after the heal. */
const recoveryCalls = 3;
const checkEveryUs = 50_000;

/** Raft members on real shells, a register service on them, clients, and faults: HAZARDS I1–I12, C8, C10, C11. */
export const raftScenario: Scenario = {
  name: 'raft',
  draw: (seed, wishes) => drawRaftPlan('raft', seed, wishes),
  run: (plan, trace) => new RaftRun(plan, trace).run(),
  missingIn,
};

/** Names of what `RaftFaults` counts. */
const faultCounts = [
  'crash',
  'pause',
  'partition',
  'left-behind',
  'clog',
  'disk-hang',
  'disk-error',
  'disk-damage',
  'disk-rollback',
  'clock',
  'transfer',
  'abdicate',
  'unelectable',
  'member-changes',
  'forgetful-voters',
  'late-timeout-now',
  'absences',
];
/** Fewer runs say nothing about the rest. */
const runsMin = 50;

function missingIn(totals: Readonly<Record<string, number>>, runs: number): string[] {
  if (runs < runsMin) return [];
  const of = (name: string): number => totals[name] ?? 0;
  const missing = faultCounts.filter((name) => of(name) === 0).map((name) => `no ${name}`);
  if (of('elections') < 2 * runs) missing.push(`only ${of('elections')} elections`);
  if (of('leader-hits') < 2 * runs) missing.push(`only ${of('leader-hits')} faults hit a leader`);
  if (of('commits') < 50 * runs) missing.push(`only ${of('commits')} commits`);
  if (of('reads') < 50 * runs) missing.push(`only ${of('reads')} reads`);
  if (of('strangers') < runs / 10) missing.push(`only ${of('strangers')} messages of strangers`);
  return missing;
}

class RaftRun {
  readonly #plan: RunPlan;
  readonly #simulation: Simulation;
  readonly #network: Network;
  readonly #counts = new Map<string, number>();
  readonly #checkers: RaftChecker[] = [];
  readonly #ledger: Ledger;
  readonly #elections: ElectionSafety;
  readonly #strangers: Strangers;
  readonly #order: LinearOrder;
  readonly #values: RegisterValues;
  readonly #cluster: RaftCluster<RaftMember>;
  #memberChanges: MemberChanges | null = null;
  readonly #clients: RegisterClient[] = [];
  readonly #faults: RaftFaults;
  readonly #processes: Processes;
  readonly #connections: RegisterConnections;

  constructor(plan: RunPlan, trace: Trace) {
    this.#plan = plan;
    const simulation = new Simulation({ seed: plan.seed, trace });
    this.#simulation = simulation;
    this.#processes = new Processes(simulation);
    this.#network = new Network({
      simulation,
      processes: this.#processes,
      conditions: networkOf(plan),
    });
    this.#connections = new Connections<RegisterRequest, RegisterResponse>(this.#network, {
      protocol: 'reg',
      describe: (message) => JSON.stringify(message),
    });
    this.#order = new LinearOrder(simulation);
    this.#values = new RegisterValues(simulation);
    this.#elections = new ElectionSafety(simulation);
    this.#strangers = new Strangers(simulation, (id) => id === strangerId);
    this.#ledger = this.#buildCheckers();
    this.#cluster = this.#buildCluster();
    this.#faults = new RaftFaults({
      simulation,
      network: this.#network,
      cluster: this.#cluster,
      count: (what) => this.#count(what),
      clockSkewPermille: knobOf(plan, 'clockSkewPermille'),
    });
  }

  async run(): Promise<RunReport> {
    const { faultyMs, faults } = this.#plan;
    const simulation = this.#simulation;
    this.#cluster.start();
    this.#startClients();
    for (const fault of faults) {
      simulation.at(fault.atMs * 1000, () => this.#faults.inject(fault));
    }
    await simulation.run({ untilUs: faultyMs * 1000 });
    if (simulation.violation === null) await this.#recover();
    if (simulation.violation === null) await this.#converge();
    if (simulation.violation === null) this.#checkActivity();
    const report = this.#report();
    simulation.end();
    return report;
  }

  // Set up.

  /** The order matters: the ledger is ahead of those that measure by it. */
  #buildCheckers(): Ledger {
    const simulation = this.#simulation;
    const ledger = new Ledger(simulation, (entry, node) => {
      for (const checker of this.#checkers) checker.committed?.(entry, node);
    });
    const quorum = new QuorumLog(simulation, () => this.#cluster.everyMember);
    this.#checkers.push(
      new LogMatching(simulation),
      ledger,
      this.#elections,
      new AnswersCounted(simulation),
      new LeaderLog(simulation, ledger),
      new MonotoneState(simulation),
      new DurableBeforeSent(simulation),
      quorum,
      new TailDecided(simulation, ledger),
      new HungLog(simulation),
      this.#strangers,
      this.#values,
    );
    return ledger;
  }

  #buildCluster(): RaftCluster<RaftMember> {
    const plan = this.#plan;
    const simulation = this.#simulation;
    const datagrams = new Datagrams<Message>(this.#network, {
      protocol: 'raft',
      describe: messageText,
    });
    const checkers = [...this.#checkers, this.#strangerBehind(datagrams)];
    const world: RaftWorld = {
      simulation,
      processes: this.#processes,
      network: this.#network,
      datagrams,
      connections: this.#connections,
      checkers,
      settings: memberSettingsOf(plan),
      onApplied: (node, index, isNext) =>
        simulation.check(isNext, 'G6', () => `${node} applies ${index} out of its turn`),
      snapshotsOf: (node) => this.#memberOf(node)?.snapshots ?? null,
      durablyAppliedBy: (node) => this.#memberOf(node)?.durablyAppliedIndex ?? null,
    };
    const cluster = new RaftCluster({
      simulation,
      nodeCount: plan.nodeCount,
      hasWitness: knobOf(plan, 'hasWitness') === 1,
      membersMax,
      create: (member, initialMembers) => this.#createMember(world, member, initialMembers),
      count: (what) => this.#count(what),
    });
    this.#memberChanges = new MemberChanges(simulation, this.#ledger, cluster.initial);
    checkers.push(this.#memberChanges);
    this.#checkers.push(this.#memberChanges);
    return cluster;
  }

  #createMember(
    world: RaftWorld,
    { id, kind, promotion }: Member,
    initialMembers: readonly Member[],
  ): RaftMember {
    const plan = this.#plan;
    const skew = knobOf(plan, 'clockSkewPermille');
    const clockRate = 1 + this.#simulation.random('hosts').below(-skew, skew + 1) / 1000;
    const isStateless = kind === 'witness' || promotion === 'witness';
    const member = new RaftMember({ id, initialMembers, isStateless, world, clockRate });
    member.disk.setConditions({
      ...goodDisk,
      syncUsMax: Math.max(goodDisk.syncUsMin, knobOf(plan, 'syncUsMax')),
      slowPermille: knobOf(plan, 'diskSlowPermille'),
      slowReadPermille: knobOf(plan, 'readSlowPermille'),
      slowUsMax: knobOf(plan, 'diskSlowUsMax'),
    });
    return member;
  }

  /** Somebody who is no member overhears messages and sends them on, to anybody, under its own name (I12). */
  #strangerBehind(datagrams: Datagrams<Message>): RaftChecker {
    const simulation = this.#simulation;
    const permille = knobOf(this.#plan, 'strangerPermille');
    const stranger = this.#processes.start(new SimHost(simulation, strangerId), 'sidecar');
    const random = simulation.random('stranger');
    return {
      sent: (_node, _to, message) => {
        if (!happens(random, permille)) return;
        const victim = pickFrom(random, this.#cluster.members);
        datagrams.send(stranger, processNameOf(victim.id), message);
      },
    };
  }

  #startClients(): void {
    const plan = this.#plan;
    const simulation = this.#simulation;
    const count = Math.max(1, knobOf(plan, 'clients'));
    for (let number = 1; number <= count; number += 1) {
      const host = new SimHost(simulation, `c${number}`);
      this.#clients.push(
        new RegisterClient({
          process: this.#processes.start(host, 'client'),
          connections: this.#connections,
          random: simulation.random(`client ${number}`),
          order: this.#order,
          values: this.#values,
          servers: () => this.#cluster.members.map(({ id }) => processNameOf(id)),
          serverOf: processNameOf,
          thinkMs: Math.max(3, knobOf(plan, 'thinkMs')),
          largePermille: knobOf(plan, 'largePermille'),
          writePermille: writePermilleOf(plan),
        }),
      );
    }
  }

  // The second phase.

  async #recover(): Promise<void> {
    const simulation = this.#simulation;
    simulation.log('phase', 'healed', 'news');
    this.#network.setConditions(perfectNetwork);
    this.#faults.heal();
    const before = this.#clients.map(({ done }) => done);
    const isServed = (): boolean =>
      this.#clients.every(({ done }, place) => done >= (before[place] ?? 0) + recoveryCalls);
    const absentees = this.#startAbsence();
    const startUs = simulation.nowUs;
    const msMax = absentees.count === 0 ? recoveryMsMax : absenceMsMax;
    await this.#runUntil(() => isServed() || !absentees.mayStayAway, msMax);
    if (!absentees.mayStayAway) {
      // A change of members came into effect that cannot do without them.
      absentees.end();
      await this.#runUntil(isServed, recoveryMsMax);
    }
    this.#count('recovery-ms', Math.round((simulation.nowUs - startUs) / 1000));
    simulation.check(
      isServed(),
      'C10',
      () =>
        `a client is not served ${msMax} ms after the heal, without ${absentees}: ${this.#describe()}`,
    );
    absentees.end();
  }

  /** A majority must do, whatever became of the others: what is healed is no more than that in half of the runs (C10). */
  #startAbsence(): Absentees {
    const absentees = new Absentees({
      simulation: this.#simulation,
      network: this.#network,
      cluster: this.#cluster,
    });
    if (knobOf(this.#plan, 'hasAbsentees') === 1) {
      absentees.begin();
      if (absentees.count > 0) this.#count('absences');
    }
    return absentees;
  }

  async #converge(): Promise<void> {
    const simulation = this.#simulation;
    simulation.log('phase', 'quiet', 'news');
    for (const client of this.#clients) client.stop();
    await this.#runUntil(() => this.#isConverged(), convergenceMsMax);
    simulation.check(
      this.#isConverged(),
      'C10',
      () => `no agreement ${convergenceMsMax} ms after the last call: ${this.#describe()}`,
    );
    const contents = new Set(this.#databases().map(({ database }) => database.describe()));
    simulation.check(
      contents.size === 1,
      'G8',
      () => `databases differ: ${[...contents].join(' | ')}`,
    );
  }

  /** Those that must hold the same in the end. */
  #databases(): RaftMember[] {
    const members = this.#cluster.settledNodes ?? [];
    return members.filter(({ raft }) => raft?.status.memberKind !== 'witness');
  }

  #memberOf(node: NodeId): RaftMember | undefined {
    return this.#cluster.members.find(({ id }) => id === node);
  }

  /** No change is under way, nobody waits for a promotion, and every member has everything. */
  #isConverged(): boolean {
    const members = this.#cluster.settledNodes;
    if (members === null) return false;
    return members.every(({ raft, database }) => {
      if (raft === null || raft.status.leaderId === null) return false;
      const { commitIndex, lastIndex, persistedIndex, memberKind } = raft.status;
      const applied = memberKind === 'witness' ? commitIndex : database.appliedIndex;
      return [commitIndex, lastIndex, persistedIndex, applied].every(
        (index) => index === this.#ledger.length,
      );
    });
  }

  /** Looks now and then: to look after every event would cost more than the events. */
  #runUntil(isOver: () => boolean, msMax: number): Promise<void> {
    const simulation = this.#simulation;
    let nextUs = simulation.nowUs;
    return simulation.run({
      untilUs: simulation.nowUs + msMax * 1000,
      isOver: () => {
        if (simulation.nowUs < nextUs) return false;
        nextUs = simulation.nowUs + checkEveryUs;
        return isOver();
      },
    });
  }

  #describe(): string {
    const nodes = this.#cluster.members.map(({ id, raft, ruin, database }) => {
      if (raft === null) return `${id} ${ruin === null ? 'down' : 'ruined'}`;
      const { role, memberKind, term, commitIndex, lastIndex, persistedIndex } = raft.status;
      return `${id} ${memberKind} ${role} t${term} last ${lastIndex} durable ${persistedIndex} commit ${commitIndex} applied ${database.appliedIndex}`;
    });
    return `ledger ${this.#ledger.length}; ${nodes.join('; ')}`;
  }

  /** HAZARDS C11: a run in which nothing happened proves nothing. One of reads, with a write in a hundred, is judged by its reads. */
  #checkActivity(): void {
    const { faults, faultyMs } = this.#plan;
    const simulation = this.#simulation;
    const activityMin = Math.max(5, Math.floor(faultyMs / 6000));
    const isReading = writePermilleOf(this.#plan) < 100;
    const commitsMin = isReading ? 5 : activityMin;
    const callsMin = isReading ? 5 * activityMin : 5;
    simulation.check(
      this.#ledger.length >= commitsMin,
      'C11',
      () => `only ${this.#ledger.length} entries were committed`,
    );
    simulation.check(
      this.#order.reads + this.#order.writes >= callsMin,
      'C11',
      () => 'hardly a call was answered',
    );
    const aimed = faults.filter(({ kind }) => kind.endsWith('-leader')).length;
    const hits = this.#counts.get('leader-hits') ?? 0;
    simulation.check(
      aimed < 8 || hits > 0,
      'C11',
      () => `${aimed} faults were aimed at leaders, none hit one`,
    );
  }

  #count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  #report(): RunReport {
    const simulation = this.#simulation;
    const { violation, trace, eventCount, nowUs } = simulation;
    return {
      hash: trace.hash,
      eventCount,
      simulatedMs: Math.round(nowUs / 1000),
      violation: violation === null ? null : { rule: violation.rule, message: violation.message },
      counts: {
        commits: this.#ledger.length,
        elections: this.#elections.elections,
        reads: this.#order.reads,
        writes: this.#order.writes,
        strangers: this.#strangers.refused,
        configurations: this.#memberChanges?.count ?? 0,
        ...Object.fromEntries(this.#counts),
      },
    };
  }
}

function writePermilleOf(plan: RunPlan): number {
  return knobOf(plan, 'writePermille') || 500;
}

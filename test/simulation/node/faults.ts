import type { Random } from '../../../base/random.ts';
import { PartitionShape, partition } from '../kernel/partitions.ts';
import { happens, pickFrom } from '../kernel/random-streams.ts';
import { type FaultEvent, luckOf } from '../kernel/scenario.ts';
import type { SimStatement } from '../mysql/statements.ts';
import { strikeAsAdmin } from './admin-faults.ts';
import { strikeServerDisk } from './disk-faults.ts';
import type { Machine } from './machine.ts';
import { changeMembers } from './member-faults.ts';
import type { SimCluster } from './sim-cluster.ts';

/** What faults did: for the counts of a run, and for the check that they hit somebody (HAZARDS C11). */
export interface FaultCounts {
  readonly [name: string]: number;
}

interface FaultContext {
  readonly random: Random;
  readonly forUs: number;
  readonly machine: Machine;
}

type Fault = (faults: ClusterFaults, context: FaultContext) => void;

/** Each fault by its name, as a plan lists it. The machine is the leader's in half of the cases. */
const faultsByKind: Readonly<Record<string, Fault>> = {
  'crash-sidecar': (_, { machine }) => machine.node?.process.kill('SIGKILL'),
  'crash-mysqld': (_, { machine }) => machine.mysqld.process?.kill('SIGKILL'),
  'crash-both': (_, { machine }) => {
    machine.node?.process.kill('SIGKILL');
    machine.mysqld.process?.kill('SIGKILL');
  },
  'crash-mid-step': (_, { machine, random }) =>
    machine.node?.process.dieAfterActs(random.below(0, 60)),
  'crash-twice': (faults, context) => faults.crashTwice(context),
  'power-cut': (_, { machine }) => machine.cutPower(),
  'power-cut-all': (faults) => {
    for (const machine of faults.cluster.machines) machine.cutPower();
  },
  'pause-sidecar': (faults, { machine, forUs }) =>
    faults.pause(machine.node?.process ?? null, forUs),
  'pause-mysqld': (faults, { machine, forUs }) => faults.pause(machine.mysqld.process, forUs),
  'pause-both': (faults, { machine, forUs }) => {
    faults.pause(machine.node?.process ?? null, forUs);
    faults.pause(machine.mysqld.process, forUs);
  },
  partition: (faults, context) => faults.partition(context),
  /** What commits waits, until the leader notices or the cut ends: the moment for everything else to go wrong. */
  isolate: (faults, { machine, random, forUs }) => {
    const hosts = faults.cluster.ids;
    const shape = PartitionShape.isolate;
    faults.cut(partition({ shape, hosts, focus: machine.id, random }), forUs);
  },
  'isolate-and-pause': (faults, context) => faults.isolateAndPause(context),
  'cut-own-mysqld': (faults, { machine, forUs }) => {
    const [sidecar, mysqld] = [`${machine.id}/sidecar`, machine.mysqld.name];
    faults.cut(
      [
        { from: sidecar, to: mysqld },
        { from: mysqld, to: sidecar },
      ],
      forUs,
    );
  },
  'kill-storm': (faults, context) => faults.killStorm(context),
  'polite-shutdown': (_, { machine }) => machine.mysqld.endByAdmin(),
  'errant-write': (faults, { machine }) => faults.writeErrantly(machine),
  'flush-logs': (faults, { machine }) => faults.asRoot(machine, [{ kind: 'flush-binary-logs' }]),
  'reset-binlog': (faults, { machine }) => faults.asRoot(machine, [{ kind: 'reset-binary-logs' }]),
  transfer: (faults, { random }) => faults.transfer(random),
  'stop-node': (_, { machine }) => void machine.node?.close().catch(() => undefined),
  'wipe-mysqld': (_, { machine }) => {
    machine.node?.process.kill('SIGKILL');
    machine.mysqld.wipe();
  },
  'slow-disk': (faults, { machine, forUs }) => {
    machine.mysqld.diskFactor = 30;
    faults.later(forUs, () => {
      machine.mysqld.diskFactor = 1;
    });
  },
  'hang-log': (faults, { machine, forUs }) =>
    machine.disk.hangUntil(faults.cluster.simulation.nowUs + forUs),
  /** Nothing commits, and whoever leads goes on leading: heartbeats need no disk. */
  'hang-others': (faults, { machine, forUs }) => {
    const untilUs = faults.cluster.simulation.nowUs + forUs;
    for (const other of faults.cluster.machines) {
      if (other !== machine) other.disk.hangUntil(untilUs);
    }
  },
  'fail-write': (_, { machine }) => machine.disk.failNextWrite(),
  'skew-clock': (faults, { machine, random, forUs }) => {
    machine.host.setRate(random.below(93, 108) / 100);
    faults.later(forUs, () => machine.host.setRate(1));
  },
  clog: (faults, { machine, random, forUs }) => {
    const to = pickFrom(random, faults.cluster.ids);
    const untilUs = faults.cluster.simulation.nowUs + Math.min(forUs, 3_000_000);
    faults.cluster.network.clog({ from: machine.id, to }, untilUs);
  },
};

export const faultKinds: readonly string[] = Object.keys(faultsByKind);

/** Several in a row that chance would hardly bring together. Drawn behind all others: a seed keeps the rest of its plan. */
const sequencesByKind: Readonly<Record<string, Fault>> = {
  'shutdown-while-hung': (faults, context) => faults.shutDownWhileHung(context),
};

export const sequenceKinds: readonly string[] = Object.keys(sequencesByKind);

const crashAgainMsMax = 2_500;
const killEveryUs = 7_000;
const stormUsMax = 1_000_000;

/** Carries out the faults of a plan, and undoes all that lasts at the end. */
export class ClusterFaults {
  readonly cluster: SimCluster;
  readonly #onStruck: (kind: string) => void;
  readonly #counts = new Map<string, number>();
  #isOver = false;

  constructor(cluster: SimCluster, onStruck: (kind: string) => void) {
    this.cluster = cluster;
    this.#onStruck = onStruck;
  }

  get counts(): FaultCounts {
    return Object.fromEntries(this.#counts);
  }

  schedule(faults: readonly FaultEvent[]): void {
    for (const fault of faults) {
      this.cluster.simulation.at(fault.atMs * 1000, () => this.#strike(fault));
    }
  }

  /** The second phase: everything works and runs, and nothing fails any more. */
  healAll(): void {
    this.#isOver = true;
    const { cluster } = this;
    cluster.heal();
    for (const machine of cluster.machines) {
      machine.host.setRate(1);
      machine.mysqld.diskFactor = 1;
      machine.mysqld.hangDiskUntil(0);
      machine.node?.process.dieAfterActs(Number.MAX_SAFE_INTEGER);
      machine.node?.process.resume();
      machine.mysqld.process?.resume();
      cluster.start(machine);
    }
  }

  later(afterUs: number, undo: () => void): void {
    this.cluster.simulation.after(afterUs, undo);
  }

  cut(directions: Parameters<SimCluster['network']['cut']>[0], forUs: number): void {
    const cut = this.cluster.network.cut(directions);
    this.later(forUs, () => cut.lift());
  }

  pause(process: { pause(): void; resume(): void } | null, forUs: number): void {
    process?.pause();
    this.later(forUs, () => process?.resume());
  }

  partition({ random, machine, forUs }: FaultContext): void {
    const shape = pickFrom(random, Object.values(PartitionShape));
    const hosts = this.cluster.ids;
    this.cut(partition({ shape, hosts, focus: machine.id, random }), forUs);
  }

  /**
   * A leader that is stopped and finds, when it goes on, that it hears nobody: its clients reach it, and its time has stood
   * still, so it takes itself for the leader for as long as an election timeout (HAZARDS H15, R9).
   */
  isolateAndPause({ machine, random, forUs }: FaultContext): void {
    const hosts = this.cluster.ids;
    const pauseUs = random.below(1_000_000, 4_000_000);
    const shape = PartitionShape.isolate;
    this.cut(partition({ shape, hosts, focus: machine.id, random }), pauseUs + forUs);
    this.pause(machine.node?.process ?? null, pauseUs);
  }

  /**
   * A node hears nobody, so that what its server commits waits; then the node hangs, and an administrator shuts its server down, which waits
   * for no ack (HAZARDS H2, H26). Nobody but that server may ever have had what went through.
   */
  shutDownWhileHung({ machine, random, forUs }: FaultContext): void {
    const hosts = this.cluster.ids;
    const shape = PartitionShape.isolate;
    const hangsInUs = random.below(50_000, 800_000);
    const hangsForUs = random.below(5_000_000, 14_000_000);
    this.cut(partition({ shape, hosts, focus: machine.id, random }), hangsInUs + forUs);
    this.later(hangsInUs, () => {
      if (this.#isOver) return;
      this.pause(machine.node?.process ?? null, hangsForUs);
      machine.mysqld.endByAdmin();
    });
  }

  /** The second time in the middle of its recovery, with luck. */
  crashTwice({ machine, random }: FaultContext): void {
    machine.node?.process.kill('SIGKILL');
    this.later(random.below(1, crashAgainMsMax) * 1000, () => {
      if (this.#isOver) return;
      if (happens(random, 500)) machine.mysqld.process?.kill('SIGKILL');
      else machine.node?.process.kill('SIGKILL');
    });
  }

  /** An administrator kills whatever session is there, again and again (HAZARDS N8, H1). */
  killStorm({ machine, random, forUs }: FaultContext): void {
    const { simulation } = this.cluster;
    const untilUs = simulation.nowUs + Math.min(forUs, stormUsMax);
    const strike = (): void => {
      const { mysqld } = machine;
      if (this.#isOver || !mysqld.isReady || simulation.nowUs > untilUs) return;
      const session = mysqld.pickClientSession(random);
      const what = happens(random, 500) ? 'query' : 'connection';
      if (session !== null) this.asRoot(machine, [{ kind: 'kill', session, what }]);
      simulation.after(killEveryUs, strike);
    };
    strike();
  }

  /** An administrator on the socket lifts the protection of a server and writes (HAZARDS N8, G5). */
  writeErrantly(machine: Machine): void {
    const value = `errant ${this.cluster.simulation.nowUs}`;
    this.asRoot(machine, [
      { kind: 'set-global', settings: { readOnly: false } },
      { kind: 'write', table: 'schema', changes: [{ kind: 'put', key: 'errant', value }] },
    ]);
  }

  transfer(random: Random): void {
    const primary = this.cluster.primary ?? this.cluster.leader;
    const target = happens(random, 500) ? null : pickFrom(random, this.cluster.ids);
    void primary?.node?.transfer(target).then(({ outcome }) => this.#count(`transfer ${outcome}`));
  }

  /** Statements of a root session on the socket, past proxy and sidecar. */
  asRoot(machine: Machine, statements: readonly SimStatement[]): void {
    const { mysqld } = machine;
    if (!mysqld.isReady) return;
    let next = 0;
    const ask = (): void => {
      const statement = statements[next];
      next += 1;
      if (statement === undefined) mysqld.closeSession(session);
      else mysqld.ask(session, statement);
    };
    const session = mysqld.openSession({
      connected: () => this.later(10, ask),
      answer: () => this.later(10, ask),
      closed: () => undefined,
    });
  }

  #strike(fault: FaultEvent): void {
    const { cluster } = this;
    if (this.#isOver) return;
    const random = luckOf(fault);
    const leader = cluster.primary ?? cluster.leader;
    const isAtLeader = happens(random, 500) && leader !== null;
    const machine = isAtLeader ? leader : pickFrom(random, cluster.machines);
    cluster.simulation.log('fault', `${fault.kind} ${machine.id} ${fault.forMs} ms`, 'news');
    this.#count(fault.kind);
    this.#onStruck(fault.kind);
    if (machine === leader) this.#count('at the leader');
    if (changeMembers(fault.kind, { cluster, machine, random })) return;
    const forUs = fault.forMs * 1000;
    const { nowUs } = cluster.simulation;
    if (strikeServerDisk(fault.kind, { machine, nowUs, forUs })) return;
    const asRoot: ClusterFaults['asRoot'] = (one, statements) => this.asRoot(one, statements);
    if (strikeAsAdmin(fault.kind, { machine, nowUs, asRoot })) return;
    const strike = faultsByKind[fault.kind] ?? sequencesByKind[fault.kind];
    strike?.(this, { random, machine, forUs });
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

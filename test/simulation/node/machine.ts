import type { Member } from '../../../raft/core/membership.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import type { RaftNode } from '../../../raft/index.ts';
import type { SimHost } from '../kernel/sim-host.ts';
import type { SimLogDisk } from '../kernel/sim-log-disk.ts';
import type { Simulation } from '../kernel/simulation.ts';
import type { OperatedNode } from '../raft/raft-cluster.ts';
import { CheckpointFile } from './checkpoint-file.ts';
import type { MysqldHost } from './mysqld-host.ts';
import type { SimNode } from './sim-node.ts';

/** A node that is stopped for good and does not close is switched off. */
const closeUsMax = 10_000_000;

export interface MachineOptions {
  readonly simulation: Simulation;
  readonly id: NodeId;
  /** Votes and stores; has a server never. */
  readonly isWitness: boolean;
  /** Empty for a node that waits to be added. */
  readonly initialMembers: readonly Member[];
  readonly host: SimHost;
  readonly disk: SimLogDisk;
  readonly mysqld: MysqldHost;
  readonly start: (machine: Machine) => void;
}

/** One machine: what stays when its processes come and go. */
export class Machine implements OperatedNode {
  readonly id: NodeId;
  readonly isWitness: boolean;
  readonly initialMembers: readonly Member[];
  readonly host: SimHost;
  readonly disk: SimLogDisk;
  readonly mysqld: MysqldHost;
  readonly checkpoint: CheckpointFile;
  /** The life of the sidecar that is not over. */
  node: SimNode | null = null;
  readonly #simulation: Simulation;
  readonly #start: (machine: Machine) => void;
  #ruin: string | null = null;
  #isRetired = false;

  constructor(options: MachineOptions) {
    this.#simulation = options.simulation;
    this.id = options.id;
    this.isWitness = options.isWitness;
    this.initialMembers = options.initialMembers;
    this.host = options.host;
    this.disk = options.disk;
    this.mysqld = options.mysqld;
    this.checkpoint = new CheckpointFile(options.simulation.random(`checkpoint ${options.id}`));
    this.#start = options.start;
  }

  get raft(): RaftNode | null {
    return this.node?.raft ?? null;
  }

  get isLeader(): boolean {
    return this.node?.process.state === 'running' && this.raft?.status.role === 'leader';
  }

  get ruin(): string | null {
    return this.#ruin;
  }

  get isWhole(): boolean {
    return this.#ruin === null;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** A supervisor starts its sidecar again when it dies, unless it must not run any more. */
  get isSupervised(): boolean {
    return this.#ruin === null && !this.#isRetired;
  }

  start(): void {
    this.#start(this);
  }

  cutPower(): void {
    this.node?.process.kill('power cut');
    this.mysqld.powerCut();
    this.checkpoint.powerCut();
  }

  /**
   * Its disks are gone, with log and data (HAZARDS N10). It must not come back under its id, with a vote that it may have forgotten
   * (H27). What the log held stays in memory for the checkers: it was there when it was counted.
   */
  loseDisks(): void {
    this.#ruin = 'its disks are gone';
    this.node?.process.kill(this.#ruin);
    this.mysqld.wipe();
  }

  retire(): void {
    this.#isRetired = true;
    const { node } = this;
    node?.process.enter(() => void node.close().catch(() => undefined));
    this.#simulation.after(closeUsMax, () => {
      this.node?.process.kill('switched off');
      this.mysqld.process?.kill('switched off');
    });
  }
}

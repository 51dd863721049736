import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { SnapshotMeta } from '../../../raft/core/snapshot.ts';
import type { MachineStatus } from '../../../raft/core/status.ts';
import type { LogIndex, NodeId } from '../../../raft/core/types.ts';
import type { Machine } from '../../../raft/machine.ts';
import type { RaftChecker, RaftView } from '../checkers/raft-checker.ts';
import type { SimLogDisk, SimProcess } from '../kernel/index.ts';
import { ShadowLog } from './shadow-log.ts';

/** A machine with the checkers behind its back: they see each step after it was taken, before its orders are carried out. */
export class ObservedMachine implements Machine, RaftView {
  readonly id: NodeId;
  readonly disk: SimLogDisk;
  readonly log: ShadowLog;
  readonly #process: SimProcess;
  readonly #machine: Machine;
  readonly #checkers: readonly RaftChecker[];

  constructor(options: {
    readonly id: NodeId;
    readonly disk: SimLogDisk;
    readonly process: SimProcess;
    readonly machine: Machine;
    readonly checkers: readonly RaftChecker[];
  }) {
    this.id = options.id;
    this.disk = options.disk;
    this.log = new ShadowLog(options.disk);
    this.#process = options.process;
    this.#machine = options.machine;
    this.#checkers = options.checkers;
    for (const checker of this.#checkers) checker.started?.(this);
  }

  get status(): MachineStatus {
    return this.#machine.status;
  }

  describeSnapshot(index: LogIndex): SnapshotMeta | null {
    return this.#machine.describeSnapshot(index);
  }

  step(input: Input): readonly Effect[] {
    const effects = this.#machine.step(input);
    // What a process computes after its death is nobody's concern.
    if (this.#process.isDead) return effects;
    for (const effect of effects) if (effect.kind === 'persist') this.log.follow(effect);
    for (const checker of this.#checkers) checker.stepped?.(this, input, effects);
    return effects;
  }
}

import { assert } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';
import type { RaftConfig } from '../../raft/core/config.ts';
import type { Effect, PersistEffect, SendEntriesEffect } from '../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { Input } from '../../raft/core/inputs.ts';
import type { RestoredState } from '../../raft/core/log.ts';
import { RaftMachine } from '../../raft/core/machine.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { MachineStatus } from '../../raft/core/status.ts';
import type { TermRun } from '../../raft/core/term-runs.ts';
import { type HardState, logIndex, type NodeId, term } from '../../raft/core/types.ts';

/** What survives a crash. */
export interface Disk {
  hardState: HardState;
  readonly entries: Entry[];
}

export interface SimulatedNodeOptions {
  /** What is there already; an empty disk if not given. */
  readonly disk?: Disk;
  readonly config: RaftConfig;
  readonly random: Random;
  readonly onEffect: (node: SimulatedNode, effect: Effect) => void;
  /** A message leaves the node: its condition holds. */
  readonly onSend: (node: SimulatedNode, to: NodeId, message: Message) => void;
}

interface Gated {
  readonly after: number;
  readonly to: NodeId;
  readonly message: Message;
}

/** A machine with the plainest shell there can be: a disk whose writes end when the test says so. */
export class SimulatedNode {
  readonly disk: Disk;
  readonly #options: SimulatedNodeOptions;
  #machine: RaftMachine | null = null;
  /** The log as the machine sees it, durable or not. */
  #entries: Entry[] = [];
  #writes: PersistEffect[] = [];
  #gated: Gated[] = [];

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    this.disk = options.disk ?? { hardState: { term: term(0), votedFor: null }, entries: [] };
    this.restart();
  }

  get id(): NodeId {
    return this.#options.config.self;
  }

  get isUp(): boolean {
    return this.#machine !== null;
  }

  get status(): MachineStatus {
    assert(this.#machine !== null, `${this.id} is down`);
    return this.#machine.status;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get unwrittenCount(): number {
    return this.#writes.length;
  }

  step(input: Input): void {
    assert(this.#machine !== null, `${this.id} is down`);
    for (const effect of this.#machine.step(input)) {
      this.#options.onEffect(this, effect);
      this.#carryOut(effect);
    }
  }

  /** The oldest writes end, one after the other; each lets go what waited for it. */
  persist(count: number = this.#writes.length): void {
    for (let done = 0; done < count && this.#writes.length > 0; done += 1) {
      const ioId = this.#writeOldest();
      const ready = this.#gated.filter((gated) => gated.after <= ioId);
      this.#gated = this.#gated.filter((gated) => gated.after > ioId);
      for (const { to, message } of ready) this.#options.onSend(this, to, message);
      this.step({ kind: 'persisted', ioId });
    }
  }

  /** Power off. `finishedWrites` of the writes under way made it to the disk, and nobody was told. */
  crash(finishedWrites: number = 0): void {
    for (let done = 0; done < finishedWrites && this.#writes.length > 0; done += 1) {
      this.#writeOldest();
    }
    this.#machine = null;
    this.#writes = [];
    this.#gated = [];
    this.#entries = [];
  }

  restart(): void {
    assert(this.#machine === null, `${this.id} is up`);
    this.#entries = [...this.disk.entries];
    this.#machine = new RaftMachine({
      config: this.#options.config,
      random: this.#options.random,
      restored: restoredFrom(this.disk),
    });
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'persist') {
      this.#writes.push(effect);
      if (effect.truncateFrom !== null) this.#entries.length = effect.truncateFrom - 1;
      this.#entries.push(...effect.entries);
    } else if (effect.kind === 'send') {
      if (effect.after === null) this.#options.onSend(this, effect.to, effect.message);
      else this.#gated.push({ after: effect.after, to: effect.to, message: effect.message });
    } else if (effect.kind === 'send-entries') {
      this.#options.onSend(this, effect.to, this.#appendOf(effect));
    }
  }

  #appendOf(effect: SendEntriesEffect): Message {
    return {
      kind: 'append-request',
      term: effect.term,
      previous: effect.previous,
      entries: this.#entries.slice(effect.firstIndex - 1, effect.lastIndex),
      commitIndex: effect.commitIndex,
      readRound: effect.readRound,
    };
  }

  #writeOldest(): number {
    const write = this.#writes.shift();
    assert(write !== undefined, 'a write is under way');
    if (write.hardState !== null) this.disk.hardState = write.hardState;
    if (write.truncateFrom !== null) this.disk.entries.length = write.truncateFrom - 1;
    this.disk.entries.push(...write.entries);
    return write.ioId;
  }
}

export function restoredFrom(disk: Disk): RestoredState {
  const termRuns: TermRun[] = [];
  for (const entry of disk.entries) {
    if (termRuns.at(-1)?.term !== entry.term) {
      termRuns.push({ term: entry.term, firstIndex: entry.index });
    }
  }
  return {
    hardState: disk.hardState,
    firstIndex: logIndex(1),
    lastIndex: logIndex(disk.entries.length),
    termRuns,
    membershipEntries: disk.entries.filter(({ kind }) => kind === EntryKind.membership).slice(-2),
  };
}

import { assert } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';
import type { RaftConfig } from '../../raft/core/config.ts';
import type {
  Effect,
  FetchSnapshotEffect,
  PersistEffect,
  SendEntriesEffect,
} from '../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { Input } from '../../raft/core/inputs.ts';
import type { RestoredState } from '../../raft/core/log.ts';
import { RaftMachine } from '../../raft/core/machine.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import type { MachineStatus } from '../../raft/core/status.ts';
import type { TermRun } from '../../raft/core/term-runs.ts';
import { type HardState, logIndex, type NodeId, term } from '../../raft/core/types.ts';

/** A log, which may begin behind a snapshot. */
export interface LogImage {
  /** What `entries` begin behind; null: they begin at 1. */
  snapshot: SnapshotMeta | null;
  readonly entries: Entry[];
}

/** What survives a crash. */
export interface Disk extends LogImage {
  hardState: HardState;
  /** The newest snapshot of the state, taken here or fetched. */
  taken: SnapshotMeta | null;
}

export function entryAt(log: LogImage, index: number): Entry | undefined {
  return log.entries[index - 1 - baseOf(log)];
}

export function lastIndexOf(log: LogImage): number {
  return baseOf(log) + log.entries.length;
}

function baseOf({ snapshot }: LogImage): number {
  return snapshot?.last.index ?? 0;
}

function applyWrite(log: LogImage, write: PersistEffect): void {
  const { truncateFrom, snapshot, entries } = write;
  if (truncateFrom !== null) log.entries.length = truncateFrom - 1 - baseOf(log);
  if (snapshot !== null) {
    log.entries.splice(0, snapshot.last.index - baseOf(log));
    log.snapshot = snapshot;
  }
  for (const entry of entries) {
    assert(entry.index === lastIndexOf(log) + 1, `entry ${entry.index} leaves no hole`);
    log.entries.push(entry);
  }
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
  #log: LogImage = { snapshot: null, entries: [] };
  #fetch: FetchSnapshotEffect | null = null;
  #writes: PersistEffect[] = [];
  #gated: Gated[] = [];

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    const hardState = { term: term(0), votedFor: null };
    this.disk = options.disk ?? { hardState, snapshot: null, entries: [], taken: null };
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
    return this.#log.entries;
  }

  /** The log as the machine sees it, durable or not. */
  get log(): LogImage {
    return this.#log;
  }

  /** The snapshot that is being fetched. */
  get fetch(): FetchSnapshotEffect | null {
    return this.#fetch;
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

  /** Takes a snapshot of what is applied here, if anything is. */
  takeSnapshot(): void {
    const { appliedIndex } = this.status;
    const meta = appliedIndex === 0 ? null : this.#machine?.describeSnapshot(appliedIndex);
    if (meta !== null && meta !== undefined) this.#keep(meta);
  }

  /** The fetch under way ends. What is fetched is durable before the machine is told. */
  endFetch(isWhole: boolean): void {
    assert(this.#fetch !== null, `${this.id} fetches nothing`);
    const { meta } = this.#fetch;
    this.#fetch = null;
    if (isWhole) this.#keep(meta);
    this.step({ kind: isWhole ? 'snapshot-installed' : 'snapshot-failed', meta });
  }

  /** Power off. `finishedWrites` of the writes under way made it to the disk, and nobody was told. */
  crash(finishedWrites: number = 0): void {
    for (let done = 0; done < finishedWrites && this.#writes.length > 0; done += 1) {
      this.#writeOldest();
    }
    this.#machine = null;
    this.#writes = [];
    this.#gated = [];
    this.#fetch = null;
  }

  restart(): void {
    assert(this.#machine === null, `${this.id} is up`);
    this.#log = { snapshot: this.disk.snapshot, entries: [...this.disk.entries] };
    this.#machine = new RaftMachine({
      config: this.#options.config,
      random: this.#options.random,
      restored: restoredFrom(this.disk),
    });
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'persist') {
      this.#writes.push(effect);
      applyWrite(this.#log, effect);
    } else if (effect.kind === 'send') {
      if (effect.after === null) this.#options.onSend(this, effect.to, effect.message);
      else this.#gated.push({ after: effect.after, to: effect.to, message: effect.message });
    } else if (effect.kind === 'send-entries') {
      this.#options.onSend(this, effect.to, this.#appendOf(effect));
    } else if (effect.kind === 'send-snapshot') {
      const { taken } = this.disk;
      const isEnough = taken !== null && taken.last.index >= effect.coversAtLeast;
      const meta = isEnough ? taken : effect.logBase;
      if (meta === null) return;
      const message = { kind: 'install-snapshot', term: effect.term, meta } as const;
      this.#options.onSend(this, effect.to, message);
    } else if (effect.kind === 'fetch-snapshot') {
      assert(this.#fetch === null, `${this.id} fetches one snapshot at a time`);
      this.#fetch = effect;
    }
  }

  #keep(meta: SnapshotMeta): void {
    if (meta.last.index > (this.disk.taken?.last.index ?? 0)) this.disk.taken = meta;
  }

  #appendOf(effect: SendEntriesEffect): Message {
    return {
      kind: 'append-request',
      term: effect.term,
      previous: effect.previous,
      entries: this.entries.filter(
        ({ index }) => index >= effect.firstIndex && index <= effect.lastIndex,
      ),
      commitIndex: effect.commitIndex,
      readRound: effect.readRound,
    };
  }

  #writeOldest(): number {
    const write = this.#writes.shift();
    assert(write !== undefined, 'a write is under way');
    if (write.hardState !== null) this.disk.hardState = write.hardState;
    applyWrite(this.disk, write);
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
    snapshot: disk.snapshot,
    firstIndex: logIndex(baseOf(disk) + 1),
    lastIndex: logIndex(lastIndexOf(disk)),
    termRuns,
    membershipEntries: disk.entries.filter(({ kind }) => kind === EntryKind.membership).slice(-2),
  };
}

import { type Deferred, deferred } from '../../base/deferred.ts';
import type { Effect } from '../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { Input } from '../../raft/core/inputs.ts';
import { membershipOfVoters } from '../../raft/core/membership.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import type { MachineStatus } from '../../raft/core/status.ts';
import { logIndex, type NodeId, nodeId, term } from '../../raft/core/types.ts';
import type { LogBatch, LogStore, LogStoreState } from '../../raft/log-store.ts';
import type { Machine } from '../../raft/machine.ts';
import type { PeerPlace, Transport, TransportEvents } from '../../raft/transport.ts';

export const n1: NodeId = nodeId('n1');
export const n2: NodeId = nodeId('n2');
export const n3: NodeId = nodeId('n3');

export function entry(index: number, options: { term?: number; bytes?: number } = {}): Entry {
  return {
    term: term(options.term ?? 1),
    index: logIndex(index),
    kind: EntryKind.data,
    payload: new Uint8Array(options.bytes ?? 1).fill(index),
  };
}

export function entries(
  first: number,
  last: number,
  options?: { term?: number; bytes?: number },
): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, place) => entry(first + place, options));
}

/** A store whose writes and reads end when the test says so. */
export class ManualStore implements LogStore {
  readonly opened: LogStoreState = {
    hardState: { term: term(0), votedFor: null },
    snapshot: null,
    firstIndex: logIndex(1),
    lastIndex: logIndex(0),
    termRuns: [],
    membershipEntries: [],
  };
  readonly writes: { readonly batch: LogBatch; readonly done: Deferred<void> }[] = [];
  readonly reads: {
    readonly first: number;
    readonly last: number;
    readonly done: Deferred<readonly Entry[]>;
  }[] = [];

  #ended = 0;

  write(batch: LogBatch): Promise<void> {
    const done = deferred();
    this.writes.push({ batch, done });
    return done.promise;
  }

  read(range: { readonly first: number; readonly last: number }): Promise<readonly Entry[]> {
    const done = deferred<readonly Entry[]>();
    this.reads.push({ first: range.first, last: range.last, done });
    return done.promise;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends the oldest write that has not ended, and lets its consequences happen. */
  async finishWrite(): Promise<void> {
    this.#takeWrite()?.resolve();
    await settled();
  }

  async failWrite(error: Error): Promise<void> {
    this.#takeWrite()?.reject(error);
    await settled();
  }

  #takeWrite(): Deferred<void> | undefined {
    const oldest = this.writes[this.#ended];
    if (oldest !== undefined) this.#ended += 1;
    return oldest?.done;
  }
}

/** Lets everything that is already decided happen: promise callbacks and microtasks. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

export class RecordingTransport implements Transport {
  readonly sent: { readonly to: NodeId; readonly message: Message }[] = [];
  events: TransportEvents | null = null;
  isClosed = false;
  readonly members: (readonly [readonly PeerPlace[], number])[] = [];

  setMembers(members: readonly PeerPlace[], membershipIndex: number): void {
    this.members.push([members, membershipIndex]);
  }

  open(events: TransportEvents): Promise<void> {
    this.events = events;
    return Promise.resolve();
  }

  send(to: NodeId, message: Message): void {
    this.sent.push({ to, message });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

export const followerStatus: MachineStatus = {
  id: n1,
  role: 'follower',
  term: term(1),
  leaderId: n2,
  firstIndex: logIndex(1),
  lastIndex: logIndex(0),
  persistedIndex: logIndex(0),
  commitIndex: logIndex(0),
  appliedIndex: logIndex(0),
  leaderReadyIndex: null,
  isTailDecided: false,
  isTransferring: false,
  installingIndex: null,
  peers: [
    { id: n2, kind: 'voter', isCaughtUp: null, matchIndex: null, appliedIndex: null },
    { id: n3, kind: 'voter', isCaughtUp: null, matchIndex: null, appliedIndex: null },
  ],
  membership: membershipOfVoters([n1, n2, n3]),
  membershipIndex: logIndex(0),
  memberKind: 'voter',
  isRemoved: false,
  readRound: 0,
  quorumRound: 0,
  isLeaseSafe: false,
  refusedMessages: 0,
};

export const leaderStatus: MachineStatus = {
  ...followerStatus,
  role: 'leader',
  leaderId: n1,
  lastIndex: logIndex(1),
  commitIndex: logIndex(1),
  leaderReadyIndex: logIndex(1),
  isTailDecided: true,
  isLeaseSafe: true,
};

/** Does what a test says to each input, and refuses to be entered twice. */
export class ScriptedMachine implements Machine {
  status: MachineStatus;
  readonly inputs: Input[] = [];
  onStep: (input: Input) => readonly Effect[] = () => [];
  #isEntered = false;

  constructor(status: MachineStatus = followerStatus) {
    this.status = status;
  }

  step(input: Input): readonly Effect[] {
    if (this.#isEntered) throw new Error('entered twice');
    this.#isEntered = true;
    this.inputs.push(input);
    try {
      return this.onStep(input);
    } finally {
      this.#isEntered = false;
    }
  }

  describeSnapshot(): SnapshotMeta | null {
    return null;
  }

  /** Changes the view, as a step does. */
  become(change: Partial<MachineStatus>): void {
    this.status = { ...this.status, ...change };
  }
}

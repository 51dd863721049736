import type { Effect } from '../../../raft/core/effects.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { Message } from '../../../raft/core/messages.ts';
import type { SnapshotMeta } from '../../../raft/core/snapshot.ts';
import type { MachineStatus } from '../../../raft/core/status.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import type { SimLogDisk } from '../kernel/index.ts';

/** Who a checker tells what broke. It does not throw: the code under test could catch that. */
export interface Judge {
  readonly nowUs: number;
  check(claim: boolean, rule: string, message: () => string): void;
}

/** One life of a Raft member, as a checker sees it: its machine from outside, its log as the machine sees it, its disk. */
export interface RaftView {
  readonly id: NodeId;
  readonly disk: SimLogDisk;
  /** After the latest step. */
  readonly status: MachineStatus;
  /** The log with what is not durable yet. */
  readonly log: LogView;
}

export interface LogView {
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** What stands in the place of the entries before `firstIndex`. */
  readonly snapshot: SnapshotMeta | null;
  at(index: number): Entry | undefined;
  /** Also of the entry that the log begins right behind; null where nothing is held. */
  termAt(index: number): number | null;
}

/** Looks at all members from outside. Only what it needs is implemented; each hook is called for every member. */
export interface RaftChecker {
  /** A process opened its log. */
  started?(node: RaftView): void;
  /** The machine took one input; its orders are not carried out yet. */
  stepped?(node: RaftView, input: Input, effects: readonly Effect[]): void;
  /** A message is given to the network. */
  sent?(node: RaftView, to: NodeId, message: Message): void;
  /** The first member to know that the entry is committed; each index once, ascending. */
  committed?(entry: Entry, node: RaftView): void;
}

/** Two entries are the same if all of them is. */
export function isSameEntry(left: Entry, right: Entry): boolean {
  if (left === right) return true;
  return (
    left.index === right.index &&
    left.term === right.term &&
    left.kind === right.kind &&
    isSameBytes(left.payload, right.payload)
  );
}

export function entryName({ term, index }: Entry): string {
  return `${index}@${term}`;
}

function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((byte, place) => byte === right[place]);
}

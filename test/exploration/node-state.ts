// The state of one node, and what its entries and transactions look like. Everything is a small number or a list of such, so
// that equal states have equal keys.

/**
 * A transaction as binlog, log and engine hold it: what it is (`content`: which client's write) and what it is called (its GTID:
 * server and number). Both, because after a cut a server gives a GTID out again. As a number: content, server + 1, number.
 */
export type Transaction = number;

/** A log entry: its term, and a transaction or 0 for the no-op of a new leader. As a number: term, then the transaction. */
export type Entry = number;

const entryBase = 1000;
/** Writes of clients have contents from 1. These two come from an administrator. */
export const errantWaiting = 8;
export const errantHidden = 9;

export function transactionOf(content: number, server: number, number: number): Transaction {
  if (number > 9) throw new RangeError(`a server writes at most 9 transactions, not ${number}`);
  return content * 100 + (server + 1) * 10 + number;
}

export function contentOf(transaction: Transaction): number {
  return Math.floor(transaction / 100);
}

/** Server and number, without the content: all that MySQL compares. */
export function gtidOf(transaction: Transaction): number {
  return transaction % 100;
}

export function serverOf(transaction: Transaction): number {
  return Math.floor(gtidOf(transaction) / 10) - 1;
}

export function numberOf(transaction: Transaction): number {
  return transaction % 10;
}

export function entryOf(term: number, transaction: Transaction | 0): Entry {
  return term * entryBase + transaction;
}

export function termOfEntry(entry: Entry): number {
  return Math.floor(entry / entryBase);
}

export function transactionIn(entry: Entry): Transaction | 0 {
  return entry % entryBase;
}

export function transactionsIn(entries: readonly Entry[]): readonly Transaction[] {
  return entries.map(transactionIn).filter((transaction) => transaction !== 0);
}

export type TaskKind =
  | 'cut-binlog'
  | 'start-server'
  | 'follow'
  | 'catch-up'
  | 'take-over'
  | 'quiesce'
  | 'transfer-leadership'
  | 'resume'
  | 'kill-server'
  | 'rebuild';

/** A task of the role machine between two of its awaits. */
export interface Task {
  readonly kind: TaskKind;
  readonly term: number;
  /** How many of its awaits are behind it. */
  readonly stage: number;
  /** What a catch-up waits for. */
  readonly target: number;
}

export interface NodeState {
  // On disk, the sidecar's.
  term: number;
  log: readonly Entry[];

  // The sidecar's memory. All of it is as after a start while the process is down.
  isUp: boolean;
  isLeader: boolean;
  hasLeader: boolean;
  commitIndex: number;
  /** Leader only: how much of its log each node confirmed in this term. Confirmations under way count, see `raft-model.ts`. */
  confirmed: readonly number[];
  isElectable: boolean;
  /** A state of the real role machine. */
  role: number;
  running: Task | null;
  ending: Task | null;
  /** The term under which responses leave, or 0. */
  gateTerm: number;
  /** New statements wait for a transfer. */
  isHeld: boolean;
  /** Contents of writes whose client still waits for an answer on its connection. */
  sessions: readonly number[];
  tail: 'none' | 'guard' | 'propose' | 'shut';
  /** Transactions of the binlog that the tail received. */
  received: number;
  tailTerm: number;
  /** A state of the real ack gate, while the tail proposes. */
  ackGate: number;
  /** An errant write arrived, and whether it waits for its ack is being asked. */
  isJudging: boolean;
  /** mysqld ended by itself, and the sidecar was not told yet. */
  isExitUntold: boolean;

  // On disk, the server's.
  /** Visible transactions in the order they became so. */
  engine: readonly Transaction[];
  /** The newest file. What is in it and not in the engine is prepared, and recovery commits it. */
  binlog: readonly Transaction[];
  /** The mark is in the data folder. */
  isCondemned: boolean;

  // mysqld's memory.
  isServerUp: boolean;
  isReadOnly: boolean;
  isFollowing: boolean;
  /** The statement that lifts read-only was sent. */
  isLifting: boolean;
  /** Up to how many transactions of the binlog the acks reach that mysqld has been sent. */
  acked: number;
  /** Contents of writes that the proxy sent and mysqld did not execute yet. */
  arriving: readonly number[];
}

/** What a sidecar's death takes along: all that is in its memory alone, but for what leaving a leadership resets. */
export const blankSidecar: Readonly<
  Pick<
    NodeState,
    | 'isUp'
    | 'commitIndex'
    | 'isElectable'
    | 'role'
    | 'running'
    | 'ending'
    | 'gateTerm'
    | 'isHeld'
    | 'sessions'
    | 'tail'
    | 'received'
    | 'tailTerm'
    | 'ackGate'
    | 'isJudging'
    | 'isExitUntold'
  >
> = {
  isUp: false,
  commitIndex: 0,
  isElectable: true,
  role: 0,
  running: null,
  ending: null,
  gateTerm: 0,
  isHeld: false,
  sessions: [],
  tail: 'none',
  received: 0,
  tailTerm: 0,
  ackGate: 0,
  isJudging: false,
  isExitUntold: false,
};

export const blankNode: Readonly<NodeState> = {
  ...blankSidecar,
  term: 0,
  log: [],
  isLeader: false,
  hasLeader: false,
  confirmed: [],
  engine: [],
  binlog: [],
  isCondemned: false,
  isServerUp: false,
  isReadOnly: true,
  isFollowing: false,
  isLifting: false,
  acked: 0,
  arriving: [],
};

/** One text per state, with every field in it. */
export function keyOfNode(node: NodeState): string {
  return Object.values(node).map(keyPart).join('|');
}

function keyPart(value: NodeState[keyof NodeState]): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value !== 'object') return String(value);
  if (value === null) return '-';
  if (Array.isArray(value)) return value.join(',');
  return Object.values(value).join(':');
}

/** The same state in a cluster whose node `i` is called `to[i]`. */
export function renameNode(node: NodeState, to: readonly number[]): NodeState {
  const confirmed = node.confirmed.length === 0 ? [] : to.map(() => 0);
  node.confirmed.forEach((length, position) => {
    confirmed[to[position] ?? 0] = length;
  });
  return {
    ...node,
    confirmed,
    log: node.log.map((entry) => renameEntry(entry, to)),
    engine: node.engine.map((transaction) => renameTransaction(transaction, to)),
    binlog: node.binlog.map((transaction) => renameTransaction(transaction, to)),
  };
}

export function renameEntry(entry: Entry, to: readonly number[]): Entry {
  const transaction = transactionIn(entry);
  return entryOf(termOfEntry(entry), transaction === 0 ? 0 : renameTransaction(transaction, to));
}

export function renameTransaction(transaction: Transaction, to: readonly number[]): Transaction {
  const server = to[serverOf(transaction)] ?? 0;
  return transactionOf(contentOf(transaction), server, numberOf(transaction));
}

/** In the binlog and not in the engine. On a running server each of them waits for its ack. */
export function waitingOf(node: NodeState): readonly Transaction[] {
  return node.binlog.filter((transaction) => !node.engine.includes(transaction));
}

/** `gtid_executed`. */
export function executedOf(node: NodeState): readonly number[] {
  return node.engine.map(gtidOf);
}

/** What this node's ledger says is committed. */
export function committedOf(node: NodeState): readonly Transaction[] {
  return transactionsIn(node.log.slice(0, node.commitIndex));
}

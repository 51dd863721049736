import { CutPlanner } from '../../mysql-bridge/binlog/cut-planner.ts';
import {
  committedOf,
  contentOf,
  executedOf,
  gtidOf,
  type NodeState,
  numberOf,
  serverOf,
  type Transaction,
  transactionOf,
  transactionsIn,
  waitingOf,
} from './node-state.ts';
import type { NodeStep } from './node-step.ts';

// A mysqld small enough to explore, as FACTS say that MySQL 9.7 behaves: a binlog that is synced before the engine commits, a
// wait between the two, and a recovery that commits whatever the binlog holds.

/** The next GTID of a server: one above all that it has executed or that waits. A cut makes it give numbers out again. */
function nextNumber(node: NodeState, self: number): number {
  const own = [...node.engine, ...node.binlog].filter((each) => serverOf(each) === self);
  return Math.max(0, ...own.map(numberOf)) + 1;
}

/** A statement is executed: into the binlog, where its commit waits, or refused because the server is read-only. */
export function execute(step: NodeStep, content: number): void {
  const { node } = step;
  node.arriving = node.arriving.filter((each) => each !== content);
  if (node.isReadOnly) {
    if (node.sessions.includes(content)) step.events.push({ kind: 'answered-error', content });
    node.sessions = node.sessions.filter((each) => each !== content);
    return;
  }
  writeBinlog(step, content);
}

export function writeBinlog({ node, self }: NodeStep, content: number): void {
  node.binlog = [...node.binlog, transactionOf(content, self, nextNumber(node, self))];
}

/** mysqld takes the latest ack: the engine commits everything up to it, then each session gets its OK. */
export function takeAck(step: NodeStep): void {
  const { node } = step;
  const released = node.binlog.slice(0, node.acked).filter((each) => !node.engine.includes(each));
  for (const transaction of released) release(step, transaction);
}

export function canTakeAck(node: NodeState): boolean {
  return node.binlog.slice(0, node.acked).some((each) => !node.engine.includes(each));
}

function release(step: NodeStep, transaction: Transaction): void {
  const { node } = step;
  node.engine = [...node.engine, transaction];
  const content = contentOf(transaction);
  if (!node.sessions.includes(content)) return;
  node.sessions = node.sessions.filter((each) => each !== content);
  // The proxy reads the gate in shared memory when the response passes.
  if (node.gateTerm > 0) {
    step.events.push({ kind: 'answered-ok', transaction, leads: step.leads });
  }
}

/** What replication from the own log would apply next; null when there is nothing, or it may not. */
export function nextToApply(step: NodeStep): Transaction | null {
  const { node } = step;
  if (!node.isServerUp || !node.isFollowing || !node.isUp) return null;
  const executed = executedOf(node);
  const source = step.has('apply-uncommitted') ? transactionsIn(node.log) : committedOf(node);
  const missing = source.filter((each) => !executed.includes(gtidOf(each)));
  const next = missing.at(step.has('apply-newest-first') ? -1 : 0);
  if (next === undefined) return null;
  // A session that waits owns its GTID: the applier waits behind it.
  const isOwned = waitingOf(node).some((each) => gtidOf(each) === gtidOf(next));
  return isOwned ? null : next;
}

export function apply(node: NodeState, transaction: Transaction): void {
  node.engine = [...node.engine, transaction];
}

/** SIGKILL, or a crash: memory is gone, and so is what was on the way in the sockets. */
export function endServer(node: NodeState): void {
  node.isServerUp = false;
  node.isReadOnly = true;
  node.isFollowing = false;
  node.isLifting = false;
  node.acked = 0;
  node.arriving = [];
}

/** SIGTERM: everything that waits for its ack is committed ("SEMISYNC: Forced shutdown"). */
export function stopPolitely(node: NodeState): void {
  node.engine = [...node.engine, ...waitingOf(node)];
  endServer(node);
}

/** Crash recovery commits each transaction that is whole in the binlog; then a new file begins. */
export function startServer(node: NodeState): void {
  node.engine = [...node.engine, ...waitingOf(node)];
  node.binlog = [];
  node.isServerUp = true;
  node.isReadOnly = true;
}

/** True when the binlog was cut, false when no cut is right. The decision is the product's own. */
export function cutBinlog(step: NodeStep): boolean {
  const { node } = step;
  const decided = step.has('cut-keeps-uncommitted') ? transactionsIn(node.log) : committedOf(node);
  const committed = new Set(decided.map(gtidOf));
  const planner = new CutPlanner(({ serverUuid, number }) =>
    committed.has((Number(serverUuid) + 1) * 10 + Number(number)),
  );
  node.binlog.forEach((transaction, place) => {
    const gtid = {
      serverUuid: String(serverOf(transaction)),
      tag: '',
      number: BigInt(numberOf(transaction)),
    };
    planner.take({ gtid, start: BigInt(place), end: BigInt(place + 1) });
  });
  if (planner.contradiction !== null) return false;
  const { from } = planner.plan;
  if (from !== null) node.binlog = node.binlog.slice(0, Number(from));
  return true;
}

/** GTIDs executed here that this node's log does not hold as committed. */
export function hasErrant(node: NodeState): boolean {
  const committed = committedOf(node).map(gtidOf);
  return executedOf(node).some((gtid) => !committed.includes(gtid));
}

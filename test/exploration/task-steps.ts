import { assertNever } from '../../base/assert.ts';
import {
  committedOf,
  executedOf,
  gtidOf,
  type NodeState,
  type Task,
  type TaskKind,
  waitingOf,
} from './node-state.ts';
import type { NodeStep } from './node-step.ts';
import { cutBinlog, endServer, hasErrant, startServer, stopPolitely } from './server-model.ts';

// The tasks of `RoleTasks`, cut where they await. Between two of these pieces anything may happen, also the cancelling of the
// task: a piece that begins with a check of the signal fails, every other goes on.

export type TaskSlot = 'running' | 'ending';

const needsNoServer: readonly TaskKind[] = ['cut-binlog', 'start-server', 'rebuild'];

/** Whether the next piece of a task can be done now, or waits for something. */
export function canProceed(step: NodeStep, task: Task, slot: TaskSlot): boolean {
  const { node } = step;
  // mysqld owes the answer to a statement that was sent.
  if (node.isLifting && (task.kind === 'take-over' || task.kind === 'resume')) return false;
  if (slot === 'ending') return true;
  switch (task.kind) {
    case 'catch-up':
      return isCaughtUp(node, task) || !node.isServerUp || step.has('no-catch-up');
    case 'quiesce':
      // Turning read-only waits for commits in progress.
      return waitingOf(node).length === 0 || !node.isServerUp;
    case 'transfer-leadership':
      return !node.isLeader;
    default:
      return true;
  }
}

/** A deadline, a lost connection: what may end a task at any time. A kill that fails is asked again, so it only delays. */
export function mayFail(task: Task, slot: TaskSlot): boolean {
  return slot === 'running' && task.kind !== 'kill-server' && task.kind !== 'rebuild';
}

/** Without a server, or with its connections dropped, every task that talks to it fails. */
function isCutOff(node: NodeState): boolean {
  return !node.isServerUp || node.tail === 'none';
}

/** How a piece ended its task, or null when the task goes on. */
type Ending = 'done' | 'failed' | null;

export function proceed(step: NodeStep, task: Task, slot: TaskSlot): void {
  const { node } = step;
  if (node.isServerUp && task.stage === 0 && needsNoServer.includes(task.kind)) {
    step.events.push({ kind: 'overlapped', task: task.kind });
  }
  const ending = pieceOf(step, task, slot);
  if (ending === null) return;
  // What the piece found out may have cancelled its own task.
  const isCancelled = slot === 'running' && node.running === null;
  step.endTask(isCancelled ? 'ending' : slot, ending);
}

function pieceOf(step: NodeStep, task: Task, slot: TaskSlot): Ending {
  const { node } = step;
  switch (task.kind) {
    case 'cut-binlog':
      return cut(step);
    case 'start-server':
      return start(step, task, slot);
    case 'follow':
      node.isFollowing = !isCutOff(node);
      return node.isFollowing ? 'done' : 'failed';
    case 'catch-up':
      return slot === 'ending' || isCutOff(node) ? 'failed' : 'done';
    case 'take-over':
      return takeOver(step, task, slot);
    case 'quiesce':
      return quiesce(step, task, slot);
    case 'transfer-leadership':
      return 'done';
    case 'resume':
      return task.stage === 0 ? lift(step, task, slot) : lifted(node);
    case 'kill-server':
      return kill(step);
    case 'rebuild':
      node.engine = [];
      node.binlog = [];
      node.isCondemned = false;
      return 'done';
    default:
      return assertNever(task.kind);
  }
}

function cut(step: NodeStep): Ending {
  if (step.has('no-cut') || cutBinlog(step)) return 'done';
  step.feed({ kind: 'errant-found', reason: 'no cut is right', gtids: '', canRebuild: true });
  return 'failed';
}

/** Stage 0: nothing is spawned yet. Stage 1: mysqld runs, recovered and read-only, and nobody has looked at it. */
function start(step: NodeStep, task: Task, slot: TaskSlot): Ending {
  const { node } = step;
  if (task.stage === 0) {
    if (slot === 'ending' && !step.has('start-survives-kill')) return 'failed';
    startServer(node);
    node[slot] = { ...task, stage: 1 };
    return null;
  }
  if (slot === 'ending' || !node.isServerUp) return 'failed';
  if (hasErrant(node) && !step.has('no-errant-check')) {
    step.feed({
      kind: 'errant-found',
      reason: 'executed, not in the log',
      gtids: '',
      canRebuild: true,
    });
    return 'failed';
  }
  step.attachTail();
  return 'done';
}

/** Stage 0: replication stops. Stage 1: the server is held against the log; the tail proposes. Stage 2: writable. */
function takeOver(step: NodeStep, task: Task, slot: TaskSlot): Ending {
  const { node } = step;
  if (task.stage === 2) return lifted(node);
  if (isCutOff(node)) return 'failed';
  if (task.stage === 0) {
    node.isFollowing = false;
    node[slot] = { ...task, stage: 1 };
    return null;
  }
  const isFit = isEqualToLog(node) || step.has('no-equality-check');
  if (slot === 'ending' || !isFit || node.tail !== 'guard') return 'failed';
  step.beginProposing(task.term);
  return lift(step, task, slot);
}

/** The statement is sent, and mysqld executes it some time later, unless it is killed before. */
function lift({ node }: NodeStep, task: Task, slot: TaskSlot): Ending {
  if (isCutOff(node)) return 'failed';
  node.isLifting = true;
  node[slot] = { ...task, stage: task.stage + 1 };
  return null;
}

function lifted(node: NodeState): Ending {
  return node.isReadOnly ? 'failed' : 'done';
}

/** Stage 0: the proxy holds new statements. Stage 1: nothing waits, so the server has become read-only. */
function quiesce(step: NodeStep, task: Task, slot: TaskSlot): Ending {
  const { node } = step;
  if (isCutOff(node) || slot === 'ending') return 'failed';
  if (task.stage === 0) {
    node.isHeld = true;
    node[slot] = { ...task, stage: 1 };
    return null;
  }
  node.isReadOnly = true;
  return step.unacked === 0 ? 'done' : null;
}

function kill(step: NodeStep): Ending {
  const { node } = step;
  if (node.isServerUp && step.has('polite-kill')) stopPolitely(node);
  else endServer(node);
  node.isExitUntold = false;
  return 'done';
}

function isCaughtUp(node: NodeState, task: Task): boolean {
  if (node.commitIndex < task.target) return false;
  const executed = executedOf(node);
  return committedOf({ ...node, commitIndex: task.target }).every((each) =>
    executed.includes(gtidOf(each)),
  );
}

function isEqualToLog(node: NodeState): boolean {
  const executed = executedOf(node);
  const committed = committedOf(node).map(gtidOf);
  return executed.length === committed.length && committed.every((gtid) => executed.includes(gtid));
}

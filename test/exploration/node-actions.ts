import { roleFieldsOf } from './cores.ts';
import {
  blankSidecar,
  contentOf,
  errantHidden,
  errantWaiting,
  keyOfNode,
  type NodeState,
  transactionOf,
  waitingOf,
} from './node-state.ts';
import { type Model, type NodeEvent, NodeStep } from './node-step.ts';
import * as raft from './raft-model.ts';
import {
  apply,
  canTakeAck,
  endServer,
  execute,
  nextToApply,
  stopPolitely,
  takeAck,
  writeBinlog,
} from './server-model.ts';
import { canProceed, mayFail, proceed, type TaskSlot } from './task-steps.ts';

/** What of the shared budget a step takes, so that the world stays finite. */
export type Cost = 'crash' | 'alarm' | 'transfer' | 'kill' | 'meddle';

/** One step that a node can take by itself, and its outcome. */
export interface NodeAction {
  readonly label: string;
  readonly next: NodeState;
  readonly events: readonly NodeEvent[];
  readonly cost: Cost | null;
  /** The write that a client sends with this step. */
  readonly sends: number;
}

type Listing = (label: string, run: (step: NodeStep) => void, more?: Partial<NodeAction>) => void;

/** Every step that this node can take without another node. */
export function nodeActions(options: {
  readonly model: Model;
  readonly node: Readonly<NodeState>;
  readonly self: number;
  readonly transactions: number;
}): readonly NodeAction[] {
  const { model, node, self, transactions } = options;
  const actions: NodeAction[] = [];
  const before = keyOfNode(node);
  const list: Listing = (label, run, more = {}) => {
    const step = new NodeStep(model, node, self);
    run(step);
    if (keyOfNode(step.node) === before && step.events.length === 0) return;
    actions.push({ label, next: step.node, events: step.events, cost: null, sends: 0, ...more });
  };
  listServer(node, list);
  if (node.isUp) {
    listRaft(node, list);
    listTasks(node, list);
    listSidecar(model, node, list);
    listClients(node, list, transactions);
  }
  listFaults(model, node, list);
  return actions;
}

function listRaft(node: NodeState, list: Listing): void {
  if (!node.isLeader) return;
  list('its Raft steps down', (step) => {
    raft.stepDown(step.node);
    step.tellRaft();
  });
  const commitIndex = raft.committableIndex(node);
  if (commitIndex === node.commitIndex) return;
  list(`its Raft commits up to index ${commitIndex}`, (step) => {
    step.node.commitIndex = commitIndex;
    step.events.push({ kind: 'committed', log: node.log.slice(0, commitIndex) });
    step.tellRaft();
  });
}

function listTasks(node: NodeState, list: Listing): void {
  const slots: readonly TaskSlot[] = ['running', 'ending'];
  for (const slot of slots) {
    const task = node[slot];
    if (task === null) continue;
    const name = `${slot === 'ending' ? 'cancelled ' : ''}task ${task.kind}`;
    list(`${name}, piece ${task.stage + 1}`, (step) => {
      if (canProceed(step, task, slot)) proceed(step, task, slot);
    });
    if (mayFail(task, slot)) {
      list(`${name} fails`, (step) => step.endTask(slot, 'failed'), { cost: 'alarm' });
    }
  }
}

function listServer(node: NodeState, list: Listing): void {
  if (!node.isServerUp) return;
  for (const content of node.arriving) {
    list(`its mysqld executes write ${content}`, (step) => execute(step, content));
  }
  if (canTakeAck(node)) list('its mysqld takes the ack', takeAck);
  if (node.isLifting) {
    list('its mysqld lifts read-only', ({ node: next }) => {
      next.isLifting = false;
      next.isReadOnly = false;
    });
  }
}

function listSidecar(model: Model, node: NodeState, list: Listing): void {
  if (node.isServerUp && node.tail !== 'none' && node.received < node.binlog.length) {
    list('its tail receives the next transaction', (step) => step.receiveNext());
  }
  list('its mysqld applies the next transaction', (step) => {
    const next = nextToApply(step);
    if (next !== null) apply(step.node, next);
  });
  if (node.isJudging) {
    list('its sidecar judges an errant write', (step) => step.judgeErrant());
  }
  if (node.isExitUntold) {
    list('its sidecar hears that mysqld ended', (step) => {
      step.node.isExitUntold = false;
      step.feed({ kind: 'server-exited', reason: 'mysqld ended' });
    });
  }
  const { state } = roleFieldsOf(model.role, node.role);
  if (state.kind !== 'backing-off') return;
  list('its back-off is over', (step) => {
    for (let ticks = state.ticksLeft; ticks > 0; ticks -= 1) step.feed({ kind: 'tick' });
    if (state.ticksLeft === 0) step.feed({ kind: 'tick' });
  });
}

function listClients(node: NodeState, list: Listing, transactions: number): void {
  for (const content of node.sessions) {
    list(`KILL of the session of write ${content}`, (step) => killSession(step, content), {
      cost: 'kill',
    });
  }
  if (node.gateTerm === 0 || node.isHeld || !node.isServerUp) return;
  for (let content = 1; content <= transactions; content += 1) {
    const send = ({ node: next }: NodeStep): void => {
      next.sessions = [...next.sessions, content];
      next.arriving = [...next.arriving, content];
    };
    list(`a client sends write ${content}`, send, { sends: content });
  }
}

/** MySQL 9.7 ends the client's connection; the commit waits on and stays invisible. */
function killSession(step: NodeStep, content: number): void {
  const { node } = step;
  node.sessions = node.sessions.filter((each) => each !== content);
  if (step.has('lost-commit-is-an-error')) step.events.push({ kind: 'answered-error', content });
  if (!step.has('kill-releases-waiter')) return;
  const waiting = waitingOf(node).filter((each) => contentOf(each) === content);
  node.engine = [...node.engine, ...waiting];
}

function listFaults(model: Model, node: NodeState, list: Listing): void {
  if (!node.isUp) {
    list('its sidecar starts', (step) => startSidecar(model, step));
    listMeddling(node, list);
    return;
  }
  const crash = { cost: 'crash' } as const;
  if (node.isServerUp) {
    list(
      'mysqld crashes',
      ({ node: next }) => {
        endServer(next);
        next.isExitUntold = true;
      },
      crash,
    );
    list('its sidecar crashes, mysqld lives on', ({ node: next }) => endSidecar(next), crash);
    listOperators(model, node, list);
  }
  list(
    'its monitor calls the server unsafe',
    (step) => step.feed({ kind: 'server-unsafe', reason: 'no answer' }),
    { cost: 'alarm' },
  );
  list(
    'sidecar and mysqld crash',
    ({ node: next }) => {
      endServer(next);
      endSidecar(next);
    },
    crash,
  );
}

function listOperators(model: Model, node: NodeState, list: Listing): void {
  const { state } = roleFieldsOf(model.role, node.role);
  if (state.kind === 'primary') {
    list(
      'a transfer is asked for',
      (step) => step.feed({ kind: 'transfer-requested', target: null, deadlineMs: 1 }),
      { cost: 'transfer' },
    );
  }
  // `Bridge.#quiesceForStop`: a primary is made read-only first, which waits for its commits.
  const mayStop = state.kind === 'replica' || (state.kind === 'primary' && !waitingOf(node).length);
  if (mayStop) {
    list(
      'it is stopped politely',
      ({ node: next }) => {
        stopPolitely(next);
        endSidecar(next);
      },
      { cost: 'crash' },
    );
  }
  if (node.isReadOnly && node.tail !== 'none' && waitingOf(node).length === 0) {
    list('an administrator writes past read-only', (step) => writeBinlog(step, errantWaiting), {
      cost: 'meddle',
    });
  }
}

/** Far from the numbers that the few writes of an exploration get: a hidden write is found by its GTID alone. */
const hiddenNumber = 5;

/** While nobody watches, an administrator starts the server without semisync, writes, and stops it. */
function listMeddling(node: NodeState, list: Listing): void {
  const isDone = node.engine.some((each) => contentOf(each) === errantHidden);
  if (isDone || node.isServerUp || waitingOf(node).length > 0) return;
  list(
    'an administrator writes without the gate',
    ({ node: next, self }) => {
      next.engine = [...next.engine, transactionOf(errantHidden, self, hiddenNumber)];
    },
    { cost: 'meddle' },
  );
}

function startSidecar(model: Model, step: NodeStep): void {
  const { node } = step;
  // `prepare` kills a server that was left behind.
  if (!step.has('left-behind-survives')) endServer(node);
  node.isUp = true;
  node.role = model.role.initial();
  if (node.isCondemned) step.feedCondemned();
  step.tellRaft();
}

/** Everything that was only in the process's memory. */
function endSidecar(node: NodeState): void {
  raft.stepDown(node);
  Object.assign(node, blankSidecar);
}

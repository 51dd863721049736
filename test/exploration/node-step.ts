import { assertNever } from '../../base/assert.ts';
import type { RoleEffect, RoleInput, RoleTask } from '../../mysql-bridge/role/role-types.ts';
import type { AckEffect, AckGateInput } from '../../mysql-bridge/semisync/ack-gate.ts';
import { logIndex, term as termOf } from '../../raft/core/types.ts';
import {
  type AckGateAutomaton,
  endingTaskId,
  pendingCount,
  type RoleAutomaton,
  roleFieldsOf,
  runningTaskId,
} from './cores.ts';
import {
  type Entry,
  entryOf,
  type NodeState,
  type Task,
  type TaskKind,
  type Transaction,
} from './node-state.ts';
import type { Plant } from './plants.ts';
import { appendOwn, viewOf } from './raft-model.ts';

/** What a step did that somebody outside of the node sees, or that a checker asks about. */
export type NodeEvent =
  | {
      readonly kind: 'acked';
      readonly transactions: readonly Transaction[];
      readonly leads: boolean;
    }
  | { readonly kind: 'answered-ok'; readonly transaction: Transaction; readonly leads: boolean }
  | { readonly kind: 'answered-error'; readonly content: number }
  | { readonly kind: 'committed'; readonly log: readonly Entry[] }
  /** The data folder is changed, or a mysqld started on it, while one runs. */
  | { readonly kind: 'overlapped'; readonly task: TaskKind };

/** The product's code, and how the model around it is made. */
export interface Model {
  readonly nodes: number;
  readonly role: RoleAutomaton;
  readonly ackGate: AckGateAutomaton;
  readonly plants: ReadonlySet<Plant>;
}

const binlogFile = 'binlog';

/**
 * One step of one node: the state while it changes, and what the shells around the cores do in that turn of the event loop. It
 * mirrors `Bridge` (`#feed`, `#carryOut`, `#onRaft`) and `BinlogTail` (`#onRaft`, `#receive`, `stopAcks`); the rules are those of the
 * real role machine and the real ack gate.
 */
export class NodeStep {
  readonly node: NodeState;
  readonly self: number;
  readonly model: Model;
  readonly events: NodeEvent[] = [];
  readonly #inputs: RoleInput[] = [];
  #isFeeding = false;

  constructor(model: Model, node: Readonly<NodeState>, self: number) {
    this.model = model;
    this.node = { ...node };
    this.self = self;
  }

  has(plant: Plant): boolean {
    return this.model.plants.has(plant);
  }

  get leads(): boolean {
    return this.node.isLeader && this.node.term === this.node.gateTerm;
  }

  /** Tells the role machine, then the tail, what Raft says now. In this order they subscribed. */
  tellRaft(): void {
    const view = viewOf(this.node, this.has('tail-decided-by-earlier-terms'));
    const { leadership } = roleFieldsOf(this.model.role, this.node.role);
    if (JSON.stringify(view) !== JSON.stringify(leadership))
      this.feed({ kind: 'leadership', view });
    this.#tailOnRaft();
  }

  /** Steps are never nested: what arises while orders are carried out waits until they are. */
  feed(input: RoleInput): void {
    this.#inputs.push(input);
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const { next: role, effects } = this.model.role.step(this.node.role, next);
      this.node.role = role;
      for (const effect of effects) this.#carryOut(effect);
    }
    this.#isFeeding = false;
  }

  endTask(slot: 'running' | 'ending', outcome: 'done' | 'failed'): void {
    const taskId = slot === 'running' ? runningTaskId : endingTaskId;
    if (slot === 'running') this.node.running = null;
    else this.node.ending = null;
    if (outcome === 'done') this.feed({ kind: 'task-done', taskId });
    else this.feed({ kind: 'task-failed', taskId, code: 'EXPLORED', reason: 'it failed' });
  }

  #carryOut(effect: RoleEffect): void {
    const { node } = this;
    switch (effect.kind) {
      case 'close-gate':
        node.gateTerm = 0;
        node.sessions = [];
        return;
      case 'open-gate':
        node.gateTerm = effect.term;
        return;
      case 'stop-acks':
        this.stopAcks();
        return;
      case 'set-electable':
        node.isElectable = effect.isElectable;
        return;
      case 'condemn':
        // A crash before the mark is durable is one before the verdict: so the write takes no time.
        node.isCondemned = true;
        this.feedCondemned();
        return;
      case 'cancel-task':
        node.ending = node.running;
        node.running = null;
        return;
      case 'run-task':
        node.running = this.#taskOf(effect.task);
        // The first thing a kill does, in the same turn of the event loop, is to drop every connection.
        if (effect.task.kind === 'kill-server') this.#disconnect();
        return;
      case 'release-statements':
        node.isHeld = false;
        return;
      // A leader may step down at any time here, asked or not; nobody waits for a transfer; the state is read from the machine.
      case 'abdicate':
      case 'transfer-ended':
      case 'state-changed':
        return;
      default:
        assertNever(effect);
    }
  }

  feedCondemned(): void {
    this.feed({ kind: 'condemned', reason: 'the mark is there', gtids: '', canRebuild: true });
  }

  #taskOf(task: RoleTask): Task {
    const term = task.kind === 'catch-up' || task.kind === 'take-over' ? task.term : 0;
    const target = task.kind === 'catch-up' ? this.#catchUpTarget() : 0;
    return { kind: task.kind, term, stage: 0, target };
  }

  /** `RoleTasks.#catchUp` waits for the whole log as it is when the promotion begins. */
  #catchUpTarget(): number {
    if (this.has('catch-up-to-commit-index')) return this.node.commitIndex;
    return this.node.log.length;
  }

  // The tail: `BinlogTail`.

  get unacked(): number {
    return this.node.tail === 'propose' ? pendingCount(this.model.ackGate, this.node.ackGate) : 0;
  }

  attachTail(): void {
    this.node.tail = 'guard';
    this.node.received = 0;
  }

  #disconnect(): void {
    this.node.tail = 'none';
    this.#forgetTail();
    if (this.node.isJudging) this.judgeErrant();
  }

  beginProposing(term: number): void {
    this.node.tail = 'propose';
    this.node.tailTerm = term;
    this.node.ackGate = this.model.ackGate.initial({ term });
    this.#tailOnRaft();
  }

  #forgetTail(): void {
    if (this.node.tail === 'none') this.node.received = 0;
    this.node.tailTerm = 0;
    this.node.ackGate = 0;
  }

  stopAcks(): void {
    if (this.node.tail !== 'propose') return;
    this.node.tail = this.unacked === 0 ? 'guard' : 'shut';
    this.#forgetTail();
  }

  #tailOnRaft(): void {
    const { node } = this;
    if (node.tail !== 'propose') return;
    if (!node.isLeader || node.term !== node.tailTerm) {
      this.#endLeadership();
      return;
    }
    const commitIndex = logIndex(node.commitIndex);
    this.#stepGate({ kind: 'committed', commitIndex, term: termOf(node.term) });
  }

  #endLeadership(): void {
    if (this.has('tail-keeps-proposing')) return;
    const isClean = this.unacked === 0;
    this.#stepGate({ kind: 'leadership-ended' });
    this.node.tail = isClean ? 'guard' : 'shut';
    this.#forgetTail();
  }

  /** The next transaction of the binlog arrives at the tail, which proposes it in the same turn. */
  receiveNext(): void {
    const { node } = this;
    const transaction = node.binlog[node.received];
    if (transaction === undefined) return;
    node.received += 1;
    if (node.tail === 'guard') this.#refuseErrant();
    else if (node.tail === 'propose') this.#propose(transaction);
  }

  #propose(transaction: Transaction): void {
    const { node } = this;
    if (!node.isLeader) {
      this.#endLeadership();
      this.feed({ kind: 'server-unsafe', reason: 'cannot propose' });
      return;
    }
    appendOwn(node, { entry: entryOf(node.term, transaction), self: this.self });
    this.#stepGate({
      kind: 'received',
      position: { file: binlogFile, offset: BigInt(node.received) },
      lastIndex: logIndex(node.log.length),
      term: termOf(node.term),
      needsAck: true,
    });
    // The longer log is news as any other.
    this.tellRaft();
  }

  #refuseErrant(): void {
    this.node.tail = 'shut';
    this.node.isJudging = true;
  }

  /** `RoleTasks.#judgeErrant`, when its questions are answered, or fail with the connection. */
  judgeErrant(): void {
    const { node } = this;
    node.isJudging = false;
    const isAnswered = node.isServerUp && node.tail !== 'none';
    // The gate is never bypassed on a running server here, so what waits is not executed.
    if (isAnswered) this.feed({ kind: 'server-unsafe', reason: 'an errant write waits' });
    else
      this.feed({ kind: 'errant-found', reason: 'nobody can tell', gtids: '', canRebuild: true });
  }

  #stepGate(input: AckGateInput): void {
    const { next, effects } = this.model.ackGate.step(this.node.ackGate, input);
    this.node.ackGate = next;
    for (const effect of effects) this.#sendAck(effect);
  }

  #sendAck({ position }: AckEffect): void {
    const { node } = this;
    // Without a server there is nobody at the other end of the socket.
    if (!node.isServerUp) return;
    const upTo = Number(position.offset);
    const transactions = node.binlog.slice(node.acked, upTo);
    const leads = node.isLeader && node.term === node.tailTerm;
    this.events.push({ kind: 'acked', transactions, leads });
    node.acked = Math.max(node.acked, upTo);
  }
}

import { assert, assertNever } from '../../base/assert.ts';
import type {
  LeadershipView,
  RoleEffect,
  RoleInput,
  RoleState,
  RoleTask,
  Verdict,
} from './role-types.ts';

/** Ticks of 100 ms. A server that keeps failing is tried again after 0.2, 0.4, … 10 s. */
export const backOffTicksMin = 2;
export const backOffTicksMax = 100;
/** A server that stayed up this long is healthy again: the next failure starts from the shortest back-off. */
export const healthyTicks = 300;
/** A mark that could not be written is tried again this much later. */
export const condemnTicks = 10;

interface Errant extends Verdict {
  readonly canRebuild: boolean;
}

/** A role in which the server is, or may be, writable: the term it belongs to. */
export function writableTerm(state: RoleState): number | null {
  switch (state.kind) {
    case 'taking-over':
    case 'primary':
    case 'quiescing':
    case 'handing-over':
    case 'resuming':
      return state.term;
    default:
      return null;
  }
}

/** Does a mysqld run that could take over, at once or once it is caught up? One that is being started cannot. */
export function isServerUp(state: RoleState): boolean {
  return hasServer(state) && state.kind !== 'starting';
}

/** Does a mysqld run, or is one being started? */
function hasServer(state: RoleState): boolean {
  switch (state.kind) {
    case 'undecided':
    case 'cutting':
    case 'backing-off':
    case 'fencing':
    case 'condemning':
    case 'rebuilding':
    case 'quarantined':
      return false;
    default:
      return true;
  }
}

/**
 * Decides what this node's MySQL is: primary, replica, or down. Pure: `step` takes a fact and returns orders.
 *
 * Invariants:
 * - the gate is open only in `primary` and `quiescing`, and only under the term Raft leads in;
 * - a server that was or may have been writable leaves that role by SIGKILL or by a completed planned hand-over, never otherwise;
 * - a server starts only after the log decided its binlog tail and the tail was cut;
 * - once errant data was found no server starts on it again, in this life of the node or a later one: nothing but closing and
 *   killing is done about it before the mark that says so is durable;
 * - one task runs at a time, but for `kill-server`, which cancels whatever runs and waits for nothing.
 */
export class RoleMachine {
  #state: RoleState = { kind: 'undecided' };
  #leadership: LeadershipView = {
    isLeader: false,
    term: 0,
    isLeaderReady: false,
    isTailDecided: false,
  };
  #taskId = 0;
  /** The task whose end is awaited; ends of others are late and ignored. */
  #running: number | null = null;
  /** A cancelled task that has not ended yet: nothing that touches the server begins before it has. */
  #ending: number | null = null;
  #deferredTask: RoleTask | null = null;
  /** The newest term this server was writable under: never promoted twice in one term, see `#tryPromote`. */
  #lastWritableTerm = 0;
  #failures = 0;
  #ticksHealthy = 0;
  #errant: Errant | null = null;
  /** Of the mark that condemns the errant data. */
  #mark: 'none' | 'writing' | 'failed' | 'durable' = 'none';
  #markTicksLeft = 0;
  #transferTarget: string | null = null;
  #effects: RoleEffect[] = [];

  get state(): RoleState {
    return this.#state;
  }

  step(input: RoleInput): readonly RoleEffect[] {
    this.#effects = [];
    this.#receive(input);
    this.#advance();
    return this.#effects;
  }

  #receive(input: RoleInput): void {
    switch (input.kind) {
      case 'tick':
        this.#tick();
        return;
      case 'leadership':
        this.#leadership = input.view;
        this.#checkLeadership();
        return;
      case 'task-done':
        if (this.#settleTask(input.taskId)) this.#taskDone();
        return;
      case 'task-failed':
        if (this.#settleTask(input.taskId)) this.#taskFailed(input.reason);
        return;
      case 'server-exited':
        this.#serverGone(input.reason);
        return;
      case 'server-unresponsive':
      case 'server-unsafe':
        if (hasServer(this.#state)) this.#fence(input.reason);
        return;
      case 'disk-fault':
        this.#diskFault(input.reason);
        return;
      case 'errant-found':
        this.#errantFound(input);
        return;
      case 'condemned':
        this.#condemned(input);
        return;
      case 'condemn-failed':
        this.#condemnFailed(input.reason);
        return;
      case 'transfer-requested':
        this.#transferRequested(input.target, input.deadlineMs);
        return;
      default:
        assertNever(input);
    }
  }

  #tick(): void {
    const state = this.#state;
    if (state.kind === 'backing-off') {
      this.#state = { kind: 'backing-off', ticksLeft: Math.max(0, state.ticksLeft - 1) };
    }
    if (this.#mark === 'failed') this.#tryMarkAgain();
    const isHealthy = state.kind === 'replica' || state.kind === 'primary';
    this.#ticksHealthy = isHealthy ? this.#ticksHealthy + 1 : 0;
    if (this.#ticksHealthy >= healthyTicks) this.#failures = 0;
  }

  /** Leadership may be gone, or be of another term than the server was made writable under. */
  #checkLeadership(): void {
    const state = this.#state;
    const { isLeader, term } = this.#leadership;
    if (state.kind === 'catching-up') {
      if (isLeader && term === state.term) return;
      this.#cancelTask();
      // Nothing was changed on the server yet: it is still the replica it was.
      this.#enter({ kind: 'joining' }, 'leadership ended before the take-over');
      this.#run({ kind: 'follow' });
      return;
    }
    const writable = writableTerm(state);
    if (writable === null || (isLeader && term === writable)) return;
    if (state.kind === 'handing-over') {
      this.#handedOver();
      return;
    }
    this.#fence(`leadership of term ${writable} ended`);
  }

  /** Commits of this server do not end: another node may have a disk that takes them. A replica reads on, and is no worse for it. */
  #diskFault(reason: string): void {
    if (writableTerm(this.#state) !== null) this.#fence(reason);
    else if (this.#state.kind === 'catching-up') this.#emit({ kind: 'abdicate', reason });
  }

  /** What the present state calls for, once no task is in the way. */
  #advance(): void {
    const state = this.#state;
    if (this.#running !== null) return;
    switch (state.kind) {
      case 'undecided':
        this.#leaveUndecided();
        return;
      case 'backing-off':
        if (state.ticksLeft === 0) this.#enter({ kind: 'undecided' }, 'trying again');
        if (state.ticksLeft === 0) this.#leaveUndecided();
        return;
      case 'replica':
        this.#tryPromote();
        return;
      default:
        return;
    }
  }

  #leaveUndecided(): void {
    // Nothing of a condemned server is ever used again, whatever the log decides.
    if (this.#errant !== null) {
      this.#quarantine(this.#errant);
      return;
    }
    if (!this.#leadership.isTailDecided) return;
    this.#enter({ kind: 'cutting' }, 'the log has decided the binlog tail');
    this.#run({ kind: 'cut-binlog' });
  }

  #tryPromote(): void {
    const { isLeader, isLeaderReady, term } = this.#leadership;
    // What an earlier life of this server proposed in the same term may still commit, behind the own-term no-op that a
    // promotion waits for: a second promotion would miss it and hand out its GTIDs again.
    if (!isLeader || !isLeaderReady || term <= this.#lastWritableTerm) return;
    this.#enter({ kind: 'catching-up', term }, `leader of term ${term}`);
    this.#run({ kind: 'catch-up', term });
  }

  #taskDone(): void {
    const state = this.#state;
    switch (state.kind) {
      case 'cutting':
        // Found while no server ran, as by an answer that came late: what was cut says nothing about the engine.
        if (this.#errant !== null) {
          this.#quarantine(this.#errant);
          return;
        }
        this.#enter({ kind: 'starting' }, 'the binlog holds committed transactions only');
        this.#run({ kind: 'start-server' });
        return;
      case 'starting':
        this.#enter({ kind: 'joining' }, 'mysqld runs read-only');
        this.#run({ kind: 'follow' });
        return;
      case 'joining':
        this.#enter({ kind: 'replica' }, 'follows the log');
        return;
      case 'catching-up':
        this.#lastWritableTerm = state.term;
        this.#enter({ kind: 'taking-over', term: state.term }, 'everything committed is applied');
        this.#run({ kind: 'take-over', term: state.term });
        return;
      case 'taking-over':
        this.#enter({ kind: 'primary', term: state.term }, `writable under term ${state.term}`);
        this.#emit({ kind: 'open-gate', term: state.term });
        return;
      case 'quiescing':
        this.#enter({ kind: 'handing-over', term: state.term }, 'read-only, nothing un-acked');
        this.#run({ kind: 'transfer-leadership', target: this.#transferTarget });
        return;
      case 'handing-over':
        // Raft reports the new term through `leadership`, which may come before or after the task's own end.
        return;
      case 'resuming':
        this.#enter({ kind: 'primary', term: state.term }, 'the transfer was given up');
        this.#emit({ kind: 'release-statements', outcome: 'aborted' });
        return;
      case 'fencing':
        this.#fenced();
        return;
      case 'rebuilding':
        this.#errant = null;
        this.#mark = 'none';
        this.#emit({ kind: 'set-electable', isElectable: true });
        this.#enter({ kind: 'undecided' }, 'the data folder is new');
        return;
      default:
        assert(false, `no task ends in ${state.kind}`);
        return;
    }
  }

  #taskFailed(reason: string): void {
    const state = this.#state;
    switch (state.kind) {
      case 'cutting':
        if (this.#errant !== null) {
          this.#quarantine(this.#errant);
          return;
        }
        this.#backOff(reason);
        return;
      case 'rebuilding':
        this.#backOff(reason);
        return;
      case 'starting':
      case 'joining':
      case 'catching-up':
      case 'taking-over':
      case 'resuming':
        this.#fence(reason);
        return;
      case 'quiescing':
      case 'handing-over':
        this.#emit({ kind: 'transfer-ended', outcome: 'aborted', reason });
        this.#enter({ kind: 'resuming', term: state.term }, reason);
        this.#run({ kind: 'resume', term: state.term });
        return;
      case 'fencing':
        // A process that SIGKILL does not end is in the kernel's hands; keep asking, stay closed.
        this.#run({ kind: 'kill-server' });
        return;
      default:
        assert(false, `no task fails in ${state.kind}: ${reason}`);
        return;
    }
  }

  #serverGone(reason: string): void {
    if (!hasServer(this.#state)) return;
    this.#fence(reason);
  }

  /**
   * The order matters: first no response leaves, then no ack is sent, then leadership goes to somebody who can serve, and the
   * server is killed, never stopped politely: a polite stop commits what waits for its ack (FACTS §2).
   */
  #fence(reason: string): void {
    const wasWritable = writableTerm(this.#state) !== null;
    const wasTransfer = ['quiescing', 'handing-over'].includes(this.#state.kind);
    this.#emit({ kind: 'close-gate', reason });
    this.#emit({ kind: 'stop-acks' });
    if (this.#leadership.isLeader && (wasWritable || this.#state.kind === 'catching-up')) {
      this.#emit({ kind: 'abdicate', reason });
    }
    if (wasTransfer) this.#emit({ kind: 'transfer-ended', outcome: 'aborted', reason });
    if (wasTransfer || this.#state.kind === 'resuming') {
      this.#emit({ kind: 'release-statements', outcome: 'handed-over' });
    }
    this.#cancelTask();
    this.#enter({ kind: 'fencing' }, reason);
    this.#run({ kind: 'kill-server' });
  }

  #fenced(): void {
    if (this.#errant !== null) {
      this.#quarantine(this.#errant);
      return;
    }
    this.#backOff('mysqld is down');
  }

  #backOff(reason: string): void {
    // The first failure after a healthy time is not waited for: the log decides at once.
    const ticksLeft =
      this.#failures === 0
        ? 0
        : Math.min(backOffTicksMax, backOffTicksMin * 2 ** (this.#failures - 1));
    // A leader that cannot serve must not stand in the way of one that can.
    if (this.#failures > 0 && this.#leadership.isLeader) this.#emit({ kind: 'abdicate', reason });
    this.#failures += 1;
    this.#enter({ kind: 'backing-off', ticksLeft }, reason);
  }

  /** The first verdict stands: the rebuild that it leads to answers every other. */
  #errantFound({ reason, gtids, canRebuild }: Errant): void {
    if (this.#errant !== null) return;
    this.#errant = { reason, gtids, canRebuild };
    this.#condemn({ reason, gtids });
    this.#keepDown(reason);
  }

  #condemned({ reason, gtids, canRebuild }: Errant): void {
    this.#mark = 'durable';
    const isNews = this.#errant === null;
    this.#errant ??= { reason, gtids, canRebuild };
    if (isNews) this.#keepDown(reason);
    if (this.#state.kind === 'condemning') this.#quarantine(this.#errant);
  }

  #condemnFailed(reason: string): void {
    this.#mark = 'failed';
    this.#markTicksLeft = condemnTicks;
    if (this.#state.kind !== 'condemning' || this.#errant === null) return;
    this.#enter(
      { kind: 'condemning' },
      `${this.#errant.reason}; the mark is not durable: ${reason}`,
    );
  }

  #tryMarkAgain(): void {
    this.#markTicksLeft -= 1;
    if (this.#markTicksLeft <= 0 && this.#errant !== null) this.#condemn(this.#errant);
  }

  #condemn({ reason, gtids }: Verdict): void {
    this.#mark = 'writing';
    this.#emit({ kind: 'condemn', verdict: { reason, gtids } });
  }

  #keepDown(reason: string): void {
    this.#emit({ kind: 'set-electable', isElectable: false });
    if (hasServer(this.#state)) this.#fence(reason);
  }

  #quarantine(errant: Errant): void {
    if (this.#mark !== 'durable') {
      this.#enter({ kind: 'condemning' }, errant.reason);
      return;
    }
    if (!errant.canRebuild) {
      this.#enter({ kind: 'quarantined' }, errant.reason);
      return;
    }
    this.#enter({ kind: 'rebuilding' }, errant.reason);
    this.#run({ kind: 'rebuild' });
  }

  #transferRequested(target: string | null, deadlineMs: number): void {
    const state = this.#state;
    if (state.kind !== 'primary') {
      const reason = `this node's MySQL is ${state.kind}, not primary`;
      this.#emit({ kind: 'transfer-ended', outcome: 'refused', reason });
      return;
    }
    this.#transferTarget = target;
    this.#enter(
      { kind: 'quiescing', term: state.term },
      `transfer to ${target ?? 'the best follower'}`,
    );
    this.#run({ kind: 'quiesce', deadlineMs });
  }

  /** The server is read-only and nothing waits for an ack: it can follow without a restart. */
  #handedOver(): void {
    const reason = 'leadership was handed over';
    this.#emit({ kind: 'close-gate', reason });
    this.#emit({ kind: 'stop-acks' });
    this.#emit({ kind: 'release-statements', outcome: 'handed-over' });
    this.#emit({ kind: 'transfer-ended', outcome: 'handed-over', reason });
    this.#cancelTask();
    this.#enter({ kind: 'joining' }, reason);
    this.#run({ kind: 'follow' });
  }

  #run(task: RoleTask): void {
    // A kill makes whatever still talks to the server fail at once, so it never waits for it.
    if (this.#ending !== null && task.kind !== 'kill-server') {
      this.#deferredTask = task;
      this.#taskId += 1;
      this.#running = this.#taskId;
      return;
    }
    this.#taskId += 1;
    this.#running = this.#taskId;
    this.#emit({ kind: 'run-task', taskId: this.#taskId, task });
  }

  #cancelTask(): void {
    if (this.#running === null) return;
    if (this.#deferredTask === null) {
      this.#emit({ kind: 'cancel-task', taskId: this.#running });
      this.#ending = this.#running;
    }
    this.#deferredTask = null;
    this.#running = null;
  }

  /** True when it is the end of the task whose end is awaited. */
  #settleTask(taskId: number): boolean {
    if (taskId === this.#ending) {
      this.#ending = null;
      const task = this.#deferredTask;
      if (task !== null && this.#running !== null) {
        this.#deferredTask = null;
        this.#emit({ kind: 'run-task', taskId: this.#running, task });
      }
      return false;
    }
    if (taskId !== this.#running) return false;
    this.#running = null;
    return true;
  }

  #enter(state: RoleState, reason: string): void {
    this.#state = state;
    this.#emit({ kind: 'state-changed', state, reason });
  }

  #emit(effect: RoleEffect): void {
    this.#effects.push(effect);
  }
}

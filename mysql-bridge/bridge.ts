import { assertNever } from '../base/assert.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import { endOnAssertion } from '../base/fatal.ts';
import type { LogIndex } from '../raft/core/types.ts';
import type { RaftStatus } from '../raft/raft-api.ts';
import { formatGtid } from './binlog/gtid.ts';
import type { GtidSet } from './binlog/gtid-set.ts';
import type { BridgeOptions, BridgeParts } from './bridge-parts.ts';
import { DiskWatch } from './disk-watch.ts';
import { isServerUp, RoleMachine } from './role/role-machine.ts';
import type { RoleEffect, RoleInput, RoleState, RoleTask, Verdict } from './role/role-types.ts';
import { errantText, RoleTasks } from './role-tasks.ts';
import { isApplierError } from './server/replica-status.ts';
import { ServerMonitor } from './server-monitor.ts';
import { VerdictKeeper } from './verdict-keeper.ts';

const tickMs = 100;
const stopDeadlineMs = 4000;
const quiesceForStopMs = 1500;
const replicaFaultRoundsMax = 3;
/** What is missing in what a server has executed so often is no matter of when it was looked at. */
const missingRoundsMax = 3;

/** How a planned transfer ended, seen from the node that was primary. */
export interface TransferOutcome {
  readonly outcome: 'handed-over' | 'aborted' | 'refused';
  readonly reason: string;
}

export interface BridgeStatus {
  readonly state: RoleState;
  readonly reason: string;
  readonly sinceMs: number;
  readonly complaints: readonly string[];
  readonly gtidExecuted: string;
  /** Everything up to it is in `gtidExecuted`. */
  readonly appliedIndex: LogIndex;
  readonly unackedTransactions: number;
  /** The account for applications exists, or none is configured; known on a primary only. */
  readonly isAppAccountReady: boolean;
}

/**
 * The shell around the role machine: tells it facts, carries out its orders, owns the server's life. One instance per
 * node; `open`, then it runs until `close`.
 */
export class Bridge {
  readonly #parts: BridgeParts;
  readonly #options: BridgeOptions;
  readonly #machine = new RoleMachine();
  readonly #tasks: RoleTasks;
  readonly #monitor: ServerMonitor;
  readonly #diskWatch: DiskWatch;
  readonly #verdicts: VerdictKeeper;
  readonly #inputs: RoleInput[] = [];
  readonly #cancels = new Map<number, AbortController>();
  readonly #stateListeners = new Set<(state: RoleState) => void>();
  #isStepping = false;
  #isClosed = false;
  #stopTicks: () => void = () => undefined;
  #unsubscribe: () => void = () => undefined;
  #watching: Promise<unknown> = Promise.resolve();
  #transfer: PromiseWithResolvers<TransferOutcome> | null = null;
  #reason = 'just started';
  #sinceMs: number;
  #complaints: readonly string[] = [];
  #diskFault: string | null = null;
  #replicaFaultRounds = 0;
  #missing = { sign: '', rounds: 0 };
  /** `gtid_executed` when an applier last met what it cannot apply. */
  #applierStuckAt: string | null = null;
  #isAppAccountReady: boolean;

  constructor(parts: BridgeParts, options: BridgeOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#sinceMs = parts.clock.wallMs();
    this.#isAppAccountReady = options.appAccount === null;
    this.#tasks = new RoleTasks(parts, options, { feed: (input) => this.#feed(input) });
    this.#verdicts = new VerdictKeeper(parts);
    this.#monitor = new ServerMonitor({
      clock: parts.clock,
      probeTimeoutMs: options.probeTimeoutMs,
      events: {
        onUnresponsive: (reason) => this.#feed({ kind: 'server-unresponsive', reason }),
        onUnsafe: (reason) => this.#feed({ kind: 'server-unsafe', reason }),
        onBypassed: (reason) => this.#onBypassed(reason),
        onUnlogged: (reason) => this.#tasks.feedErrant(reason),
        onReplicaFaults: (faults) => this.#onReplicaFaults(faults),
        onRound: () => this.#onRound(),
      },
    });
    this.#diskWatch = new DiskWatch({
      clock: parts.clock,
      timeoutMs: options.diskTimeoutMs,
      onFault: (fault) => this.#onDisk(fault),
    });
  }

  #onDisk(fault: string | null): void {
    if (fault !== null && fault !== this.#diskFault)
      this.#parts.logger.warn('mysql-disk-fault', { reason: fault });
    this.#diskFault = fault;
    if (fault !== null) this.#feed({ kind: 'disk-fault', reason: fault });
  }

  /** As in `status`, for whoever needs no more: the rest costs a text of all transactions. */
  get state(): RoleState {
    return this.#machine.state;
  }

  get status(): BridgeStatus {
    return {
      state: this.#machine.state,
      reason: this.#reason,
      sinceMs: this.#sinceMs,
      complaints: [...this.#complaints, ...(this.#diskFault === null ? [] : [this.#diskFault])],
      gtidExecuted: this.#tasks.executed.toString(),
      appliedIndex: this.#tasks.appliedIndex,
      unackedTransactions: this.#tasks.unackedCount,
      isAppAccountReady: this.#isAppAccountReady,
    };
  }

  /** Kills a server left behind, makes the data folder if there is none, then lets the role machine decide. */
  async open(): Promise<void> {
    const { server, raft, clock } = this.#parts;
    server.onExit((exit) => {
      if (exit.wanted) return;
      const how = exit.signal === null ? `status ${exit.status}` : `signal ${exit.signal}`;
      const reason = [`mysqld ended with ${how}`, ...exit.lastErrors.slice(-1)].join(': ');
      this.#feed({ kind: 'server-exited', reason });
    });
    await server.prepare();
    const condemned = await server.condemnation();
    if (condemned !== null) this.#tasks.feedCondemned(condemned);
    this.#unsubscribe = raft.onChange((status) => this.#onRaft(status));
    this.#onRaft(raft.status);
    this.#stopTicks = clock.every(tickMs, () => this.#feed({ kind: 'tick' }));
    this.#watching = Promise.all([
      this.#monitor.run(() => (this.#isServing() ? this.#tasks.admin : null)),
      this.#diskWatch.run({
        isWanted: () => this.#isServing(),
        ask: (timeoutMs) => server.diskFault(timeoutMs),
      }),
    ]);
  }

  /** Calls back after each change of the role, in order. */
  onState(listener: (state: RoleState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Ends sessions of the server, as `KILL` does. Nothing happens while no server runs. */
  async killConnections(connectionIds: readonly number[]): Promise<void> {
    await this.#tasks.admin?.killConnections(connectionIds);
  }

  /** One at a time. Never rejects. */
  transfer(target: string | null): Promise<TransferOutcome> {
    if (this.#transfer !== null) {
      return Promise.resolve({ outcome: 'refused', reason: 'a transfer is under way' });
    }
    const transfer = Promise.withResolvers<TransferOutcome>();
    this.#transfer = transfer;
    this.#feed({
      kind: 'transfer-requested',
      target,
      deadlineMs: this.#options.transferDeadlineMs,
    });
    return transfer.promise;
  }

  /**
   * Stops the server and everything around it. Politely only if it was made read-only with nothing un-acked: a polite stop
   * commits what waits for its ack (FACTS §2).
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const canStopPolitely = await this.#quiesceForStop();
    this.#isClosed = true;
    this.#stopTicks();
    this.#unsubscribe();
    this.#monitor.stop();
    this.#diskWatch.stop();
    this.#parts.gate.closeGate('this node is stopping');
    this.#tasks.stopAcks();
    for (const cancel of this.#cancels.values()) cancel.abort();
    // The server's own shutdown waits for our dump and our connections, if they are still there.
    this.#tasks.disconnect();
    if (canStopPolitely) await this.#parts.server.stop({ deadlineMs: stopDeadlineMs });
    await this.#tasks.run({ kind: 'kill-server' }, AbortSignal.abort());
    await this.#watching;
    this.#transfer?.resolve({ outcome: 'aborted', reason: 'this node is stopping' });
    await this.#verdicts.close();
  }

  /** True when nothing can be un-acked on the server any more. */
  async #quiesceForStop(): Promise<boolean> {
    const { state } = this.#machine;
    const { gate, logger } = this.#parts;
    const admin = this.#tasks.admin;
    if (admin === null) return false;
    if (state.kind === 'replica') return true;
    if (state.kind !== 'primary') return false;
    try {
      await gate.holdStatements({ deadlineMs: quiesceForStopMs });
      await admin.setWritable(false, { timeoutMs: quiesceForStopMs });
      // The server may have been fenced and replaced meanwhile; or be about to be, with what it holds no longer counted.
      const isSame = this.#machine.state === state && this.#tasks.admin === admin;
      return isSame && this.#tasks.unackedCount === 0;
    } catch (thrown) {
      logger.warn('stop-impolite', { reason: messageOf(thrown) });
      return false;
    }
  }

  #onRaft(status: RaftStatus): void {
    this.#feed({
      kind: 'leadership',
      view: {
        isLeader: status.role === 'leader',
        term: status.term,
        isLeaderReady: status.leaderReadyIndex !== null,
        isTailDecided: isBinlogTailDecided(status),
      },
    });
  }

  /** Steps are never nested: a fact that arises while orders are carried out waits until they are. */
  #feed(input: RoleInput): void {
    if (this.#isClosed) {
      // Nobody acts on facts any more. This one must outlive the node.
      if (input.kind === 'errant-found') this.#verdicts.condemn(input).catch(() => undefined);
      return;
    }
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        for (const effect of this.#machine.step(next)) this.#carryOut(effect);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  #carryOut(effect: RoleEffect): void {
    const { gate, raft } = this.#parts;
    switch (effect.kind) {
      case 'close-gate':
        gate.closeGate(effect.reason);
        return;
      case 'open-gate':
        gate.openGate(effect.term);
        return;
      case 'stop-acks':
        this.#tasks.stopAcks();
        return;
      case 'abdicate':
        raft.abdicate(effect.reason);
        return;
      case 'set-electable':
        raft.setElectable(effect.isElectable);
        return;
      case 'condemn':
        this.#condemn(effect.verdict);
        return;
      case 'cancel-task':
        this.#cancels.get(effect.taskId)?.abort();
        return;
      case 'run-task':
        this.#runTask(effect.taskId, effect.task);
        return;
      case 'release-statements':
        gate.releaseStatements(effect.outcome);
        return;
      case 'transfer-ended':
        this.#transfer?.resolve({ outcome: effect.outcome, reason: effect.reason });
        this.#transfer = null;
        return;
      case 'state-changed':
        this.#onState(effect.state, effect.reason);
        return;
      default:
        assertNever(effect);
    }
  }

  #condemn(verdict: Verdict): void {
    this.#verdicts.condemn(verdict).then(
      () => this.#tasks.feedCondemned(verdict),
      (thrown) => this.#feed({ kind: 'condemn-failed', reason: messageOf(thrown) }),
    );
  }

  #runTask(taskId: number, task: RoleTask): void {
    const { logger, clock } = this.#parts;
    const cancel = new AbortController();
    this.#cancels.set(taskId, cancel);
    const begunMs = clock.monotonicMs();
    const ended = (): { task: string; tookMs: number } => {
      this.#cancels.delete(taskId);
      return { task: task.kind, tookMs: Math.round(clock.monotonicMs() - begunMs) };
    };
    // Not in the same turn as the step that ordered it: the orders that follow take effect first.
    Promise.resolve()
      .then(() => this.#tasks.run(task, cancel.signal))
      .then(
        () => {
          logger.info('role-task-done', ended());
          this.#feed({ kind: 'task-done', taskId });
        },
        (thrown) => {
          endOnAssertion(thrown);
          const code = codeOf(thrown) ?? 'MYSQL_ROLE_TASK';
          const reason = messageOf(thrown);
          const fields = { ...ended(), code, reason };
          if (cancel.signal.aborted) logger.info('role-task-cancelled', fields);
          else logger.warn('role-task-failed', fields);
          this.#feed({ kind: 'task-failed', taskId, code, reason });
        },
      );
  }

  #onState(state: RoleState, reason: string): void {
    const { logger, clock } = this.#parts;
    logger.info('role', { ...state, reason });
    this.#reason = reason;
    this.#sinceMs = clock.wallMs();
    this.#complaints = [];
    this.#replicaFaultRounds = 0;
    this.#parts.raft.setServerUp(isServerUp(state));
    if (state.kind === 'primary') this.#ensureAppAccount();
    for (const listener of this.#stateListeners) listener(state);
  }

  /** A state in which the server answers questions; not while it is being killed or started. */
  #isServing(): boolean {
    const { kind } = this.#machine.state;
    return ![
      'undecided',
      'cutting',
      'backing-off',
      'starting',
      'fencing',
      'condemning',
      'rebuilding',
      'quarantined',
    ].includes(kind);
  }

  async #onRound(): Promise<void> {
    const { executed, errant, vanished } = await this.#tasks.findErrant();
    if (!this.#isServing()) return;
    const passed = this.#tasks.passedWithoutAck(executed);
    if (passed !== null) {
      await this.#onBypassed(`${formatGtid(passed)} is committed, and no ack was sent for it`);
      return;
    }
    if (!errant.isEmpty) {
      this.#tasks.feedErrant(errantText(errant), errant);
      return;
    }
    if (!vanished.isEmpty) {
      const reason = `gtid_executed was reset: ${vanished.toString()} vanished from it`;
      this.#tasks.feedErrant(reason, vanished);
      return;
    }
    await this.#tasks.reportApplied(executed);
    await this.#lookForMissing(executed);
  }

  /**
   * GTIDs that were reset between two rounds, when none had been seen before that could have vanished: of a replica that applies the
   * log, and of a primary whose first transactions they are. The one would apply what it forgot a second time as soon as it connects
   * to its source anew; the other's dump waits for the old binlog to go on, and commits wait with it, for ever.
   */
  async #lookForMissing(executed: GtidSet): Promise<void> {
    const missing = await this.#parts.ledger.missingIn(executed);
    // What a replica lacks at the end is still to come. A primary has executed everything, but for what it commits just now.
    const isOdd = missing !== null && (missing.isGap || this.#machine.state.kind === 'primary');
    const sign = isOdd ? `${formatGtid(missing.gtid)} is missing` : '';
    const rounds = sign === this.#missing.sign ? this.#missing.rounds + 1 : 1;
    this.#missing = { sign, rounds };
    if (!isOdd || rounds < missingRoundsMax) return;
    this.#missing = { sign: '', rounds: 0 };
    // Without a gap, its engine may only be slow.
    if (!missing.isGap && !(await this.#tasks.wasBinlogReset())) return;
    if (!this.#isServing()) return;
    const proof = missing.isGap
      ? 'later ones of the log are there'
      : 'the binlog ends in front of what was sent of it';
    this.#tasks.feedErrant(`gtid_executed was reset: ${sign}, ${proof}`);
  }

  /**
   * The commit gate was bypassed: the engine may hold what the log does not, whatever is cut. No more answers leave; what was
   * answered already gets its chance to commit in the log; then the server is built anew from it.
   */
  async #onBypassed(reason: string): Promise<void> {
    if (this.#machine.state.kind === 'primary') {
      this.#parts.gate.closeGate(`the commit gate was bypassed: ${reason}`);
      await this.#tasks.drain().catch(() => undefined);
    }
    // Also when leadership ended meanwhile: the cut that follows takes a commit out of the binlog and not out of the engine.
    this.#tasks.feedErrant(`the commit gate was bypassed: ${reason}`);
  }

  #onReplicaFaults(faults: readonly string[]): void {
    this.#complaints = faults;
    this.#replicaFaultRounds = faults.length > 0 ? this.#replicaFaultRounds + 1 : 0;
    const isFollowing = ['replica', 'catching-up'].includes(this.#machine.state.kind);
    if (!isFollowing || this.#replicaFaultRounds < replicaFaultRoundsMax) return;
    this.#replicaFaultRounds = 0;
    const reason = `replication stands still: ${faults.join('; ')}`;
    const stuckAt = faults.some(isApplierError) ? this.#tasks.executed.toString() : null;
    // A restart cures what passes by itself. Data that the next transaction does not fit, it does not.
    const isStuckAgain = stuckAt !== null && stuckAt === this.#applierStuckAt;
    this.#applierStuckAt = stuckAt;
    if (isStuckAgain) this.#tasks.feedErrant(`${reason}, a second time at ${stuckAt || 'no GTID'}`);
    else this.#feed({ kind: 'server-unsafe', reason });
  }

  #ensureAppAccount(): void {
    const { appAccount } = this.#options;
    const admin = this.#tasks.admin;
    if (appAccount === null || admin === null) return;
    admin.ensureAppAccount(appAccount).then(
      () => {
        this.#isAppAccountReady = true;
      },
      (thrown) => {
        // The next promotion tries again; until then status says that the account is missing.
        this.#parts.logger.warn('app-account-failed', { reason: messageOf(thrown) });
      },
    );
  }
}

/**
 * A leader's own log may still hold, uncommitted, what an earlier life of its server proposed in the same term. Cutting that from the
 * binlog lets the server give its GTID to another transaction, which the commit of the first would then vouch for.
 */
function isBinlogTailDecided({ isTailDecided, role, commitIndex, lastIndex }: RaftStatus): boolean {
  return isTailDecided && (role !== 'leader' || commitIndex === lastIndex);
}

import { codeOf, messageOf, OperationalError } from '../base/errors.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import { formatGtid, type Gtid } from './binlog/gtid.ts';
import { GtidSet } from './binlog/gtid-set.ts';
import { comparePositions } from './binlog/position.ts';
import type { BridgeOptions, BridgeParts, ServerAdmin, Tail } from './bridge-parts.ts';
import type { RoleInput, RoleTask, Verdict } from './role/role-types.ts';
import { unloggedWrite } from './role/unlogged-writes.ts';

/** How long a promotion waits for the applier before it looks whether it is still wanted. */
const catchUpSliceMs = 250;
const writableTimeoutMs = 5000;
const unackedPollMs = 5;
const leaderPollMs = 50;
const drainMsMax = 1000;

/** A task that cannot go on; the role machine decides what follows. */
export class RoleTaskError extends OperationalError {
  override readonly name = 'RoleTaskError';
}

/** What a server says it has executed, held against the log and against what it said before. */
export interface ServerGtids {
  readonly executed: GtidSet;
  readonly errant: GtidSet;
  readonly vanished: GtidSet;
}

/** What a server was last seen to have, and in which of its lives: within one it only grows. */
interface SeenServer {
  readonly executed: GtidSet;
  readonly appliedIndex: LogIndex;
  readonly admin: ServerAdmin | null;
}

/** Facts that a task finds besides its own end. */
export interface RoleTaskEvents {
  feed(input: RoleInput): void;
}

/**
 * Carries out the role machine's tasks on the real server. Holds no rule of its own about roles: it does one thing, and
 * says whether that worked.
 */
export class RoleTasks {
  readonly #parts: BridgeParts;
  readonly #options: BridgeOptions;
  readonly #events: RoleTaskEvents;
  #admin: ServerAdmin | null = null;
  #tail: Tail | null = null;
  #seen: SeenServer = { executed: new GtidSet(), appliedIndex: logIndex(0), admin: null };

  constructor(parts: BridgeParts, options: BridgeOptions, events: RoleTaskEvents) {
    this.#parts = parts;
    this.#options = options;
    this.#events = events;
  }

  /** Null while no server runs. */
  get admin(): ServerAdmin | null {
    return this.#admin;
  }

  /** As last seen; of a server that does not run, what it had. Everything up to `appliedIndex` is in it. */
  get executed(): GtidSet {
    return this.#seen.executed;
  }

  /** Goes back where Raft's never does: with a server built anew, or one that lost its newest transactions in a crash. */
  get appliedIndex(): LogIndex {
    return this.#seen.appliedIndex;
  }

  get unackedCount(): number {
    return this.#tail?.unackedCount ?? 0;
  }

  /** See `Tail.passedWithoutAck`. */
  passedWithoutAck(executed: GtidSet): Gtid | null {
    return this.#tail?.passedWithoutAck(executed) ?? null;
  }

  /** Takes effect before it returns. */
  stopAcks(): void {
    this.#tail?.stopAcks();
  }

  /** Drops every connection to the server, the dump included: nothing is acked any more. */
  disconnect(): void {
    this.#tail?.close();
    this.#tail = null;
    this.#admin?.close();
    this.#admin = null;
  }

  run(task: RoleTask, signal: AbortSignal): Promise<void> {
    switch (task.kind) {
      case 'cut-binlog':
        return this.#cutBinlog();
      case 'start-server':
        return this.#startServer(signal);
      case 'follow':
        return this.#follow();
      case 'catch-up':
        return this.#catchUp(task.term, signal);
      case 'take-over':
        return this.#takeOver(task.term, signal);
      case 'quiesce':
        return this.#quiesce(task.deadlineMs, signal);
      case 'transfer-leadership':
        return this.#transfer(task.target);
      case 'resume':
        return this.#resume(signal);
      case 'kill-server':
        return this.#killServer();
      case 'rebuild':
        return this.#parts.server.rebuild();
      default: {
        const unknown: never = task;
        throw new RoleTaskError('MYSQL_ROLE_TASK', `unknown task ${JSON.stringify(unknown)}`);
      }
    }
  }

  /**
   * What the server has executed and the log does not hold, looked at in an order that cannot mistake a fresh commit; and what it
   * had executed earlier and no longer says so: somebody reset its GTIDs, and would make it apply its data a second time.
   */
  async findErrant(): Promise<ServerGtids> {
    const admin = this.#connected();
    const executed = GtidSet.parse(await admin.executedGtids());
    const seen = this.#seen;
    const isSame = seen.admin === admin;
    const vanished = isSame ? seen.executed.subtract(executed) : new GtidSet();
    if (admin === this.#admin) {
      const appliedIndex = isSame && vanished.isEmpty ? seen.appliedIndex : logIndex(0);
      this.#seen = { executed, appliedIndex, admin };
    }
    // Whatever was executed by then was committed in Raft before: the ledger only has to catch up with that.
    await this.#parts.ledger.caughtUpTo(this.#parts.raft.status.commitIndex);
    return { executed, errant: this.#parts.ledger.errantOf(executed), vanished };
  }

  /** A binlog that ends in front of what its server has sent of it was deleted, and begun anew. */
  async wasBinlogReset(): Promise<boolean> {
    const sent = this.#tail?.receivedEnd ?? null;
    return sent !== null && comparePositions(await this.#connected().binlogEnd(), sent) < 0;
  }

  /** Tells Raft how far a server with these transactions has come. */
  async reportApplied(executed: GtidSet): Promise<void> {
    const admin = this.#admin;
    const appliedIndex = await this.#parts.ledger.indexOfApplied(executed);
    // Of a server that was replaced meanwhile it says nothing.
    if (admin === null || admin !== this.#seen.admin) return;
    this.#seen = { ...this.#seen, appliedIndex };
    this.#parts.raft.setApplied(appliedIndex);
  }

  /**
   * Waits until the log holds everything that the server has executed, or not much longer: commits that passed without an ack
   * are proposed as any other, if the server lives long enough to send them.
   */
  async drain(): Promise<void> {
    const { clock } = this.#parts;
    const endsMs = clock.monotonicMs() + drainMsMax;
    while (clock.monotonicMs() < endsMs) {
      const { errant } = await this.findErrant();
      if (errant.isEmpty && this.unackedCount === 0) return;
      await clock.delay(unackedPollMs);
    }
  }

  async #cutBinlog(): Promise<void> {
    const { ledger, raft, logger, cutBinlog } = this.#parts;
    await ledger.caughtUpTo(raft.status.commitIndex);
    try {
      const cut = await cutBinlog((gtid) => ledger.hasTransaction(gtid));
      if (cut.length > 0)
        logger.warn('binlog-cut', { transactions: cut.length, gtids: cut.slice(0, 20) });
    } catch (thrown) {
      if (codeOf(thrown) === 'BINLOG_UNDECIDABLE' && thrown instanceof Error) {
        this.feedErrant(thrown.message);
      }
      throw thrown;
    }
  }

  async #startServer(signal: AbortSignal): Promise<void> {
    await this.#startProcess();
    signal.throwIfAborted();
    const admin = await this.#parts.connectAdmin();
    if (signal.aborted) admin.close();
    signal.throwIfAborted();
    this.#admin = admin;
    const { executed, errant } = await this.findErrant();
    if (!errant.isEmpty) await this.#judgeAtStart(executed, errant, signal);
    await this.#attachTail(executed);
    await this.reportApplied(executed);
  }

  /** A data folder may be put back while this node runs, with the mark that an earlier verdict left in it. */
  async #startProcess(): Promise<void> {
    try {
      await this.#parts.server.start();
    } catch (thrown) {
      if (codeOf(thrown) === 'MYSQL_SERVER_CONDEMNED') {
        this.feedCondemned({ reason: messageOf(thrown), gtids: '' });
      }
      throw thrown;
    }
  }

  /**
   * What an earlier life of this node was fed was committed, but this one may not know it yet: after a restart within a term the
   * commit index begins low, and an entry that was not on this disk comes again. Only a leader's word about now settles it.
   */
  async #judgeAtStart(executed: GtidSet, unknown: GtidSet, signal: AbortSignal): Promise<void> {
    const { ledger, logger } = this.#parts;
    logger.warn('errant-unsettled', { gtids: unknown.toString() });
    await ledger.caughtUpTo(await this.#readIndexOfLeader(signal), { signal });
    const errant = ledger.errantOf(executed);
    if (errant.isEmpty) return;
    const reason = errantText(errant);
    this.feedErrant(reason, errant);
    throw new RoleTaskError('MYSQL_ERRANT_GTID', reason);
  }

  /** Asks until a leader answers: nothing but the end of the task ends the wait for one. */
  async #readIndexOfLeader(signal: AbortSignal): Promise<LogIndex> {
    const { raft, clock } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await raft.readIndexOfLeader();
      } catch (thrown) {
        if (codeOf(thrown) !== 'RAFT_NOT_LEADER') throw thrown;
      }
      await clock.delay(leaderPollMs, { signal });
    }
  }

  /**
   * Attached on replicas too: a server whose only semisync replica never acks cannot commit a write of its own, whoever
   * lifts its read-only setting.
   */
  async #attachTail(executed: GtidSet): Promise<void> {
    const tail = this.#parts.createTail();
    this.#tail = tail;
    tail.onLost((reason) =>
      this.#events.feed({ kind: 'server-unsafe', reason: `dump lost: ${reason}` }),
    );
    tail.onErrant((gtid) => void this.#judgeErrant(gtid));
    tail.onReused((gtid) => this.feedErrant(reusedText(gtid), GtidSet.of(gtid)));
    await tail.attach(executed);
  }

  /**
   * Does a write of a read-only server wait for its ack, or did it get past? Only the first is taken back by killing the server and
   * cutting its binlog; a server that does not tell is taken at its worst.
   */
  async #judgeErrant(gtid: Gtid): Promise<void> {
    const write = `a write on a read-only server: ${formatGtid(gtid)}`;
    // The cut would take it for the transaction that the log has under that name, and leave it.
    if (this.#parts.ledger.hasTransaction(gtid)) {
      this.feedErrant(`${write}; ${reusedText(gtid)}`, GtidSet.of(gtid));
      return;
    }
    try {
      const admin = this.#connected();
      const { gate, traces } = await admin.bypasses();
      const unlogged = unloggedWrite(traces);
      const executed = GtidSet.parse(await admin.executedGtids());
      if (unlogged !== null) {
        // The cut takes back what is in the binlog, and killing the server would erase the only trace of what is not.
        this.feedErrant(`${write}; ${unlogged}`, GtidSet.of(gtid));
        return;
      }
      if (gate.length === 0 && !executed.has(gtid)) {
        this.#events.feed({ kind: 'server-unsafe', reason: `${write}, which waits for its ack` });
        return;
      }
      const reason = [`${write} got past the commit gate`, ...gate].join('; ');
      this.feedErrant(reason, GtidSet.of(gtid));
    } catch (thrown) {
      const reason = `${write}, and whether it is committed is unknown: ${messageOf(thrown)}`;
      this.feedErrant(reason, GtidSet.of(gtid));
    }
  }

  /** What the server holds cannot be made to fit the log; `gtids` are the transactions to blame, if they can be named. */
  feedErrant(reason: string, gtids: GtidSet = new GtidSet()): void {
    const verdict = { reason, gtids: gtids.toString() };
    this.#events.feed({ kind: 'errant-found', ...verdict, canRebuild: this.#canRebuild });
  }

  /** The mark that says so is on disk. */
  feedCondemned({ reason, gtids }: Verdict): void {
    this.#events.feed({ kind: 'condemned', reason, gtids, canRebuild: this.#canRebuild });
  }

  async #follow(): Promise<void> {
    const admin = this.#connected();
    await admin.setFlush('replica');
    await admin.setEventScheduler(false);
    await admin.follow(this.#options.source);
  }

  async #catchUp(term: number, signal: AbortSignal): Promise<void> {
    const { raft, ledger } = this.#parts;
    const readyIndex = raft.status.leaderReadyIndex;
    if (readyIndex === null || raft.status.term !== term) {
      throw new RoleTaskError('MYSQL_FENCED', `leadership of term ${term} ended`);
    }
    // Not only the own-term entry: whatever of this term is in the log belongs to what a primary must hold.
    await ledger.caughtUpTo(raft.status.lastIndex, { signal });
    const wanted = ledger.committed.toString();
    while (!(await this.#connected().waitForExecuted(wanted, catchUpSliceMs)))
      signal.throwIfAborted();
    signal.throwIfAborted();
  }

  async #takeOver(term: number, signal: AbortSignal): Promise<void> {
    const admin = this.#connected();
    const tail = this.#tail;
    if (tail === null) throw new RoleTaskError('MYSQL_NOT_RUNNING', 'no dump is attached');
    await Promise.all([this.#parts.gate.endLocalReadOnlySessions(), admin.stopFollowing()]);
    const [{ executed, errant }] = await Promise.all([
      this.findErrant(),
      admin.setFlush('primary'),
    ]);
    const missing = this.#parts.ledger.committed.subtract(executed);
    if (!errant.isEmpty || !missing.isEmpty) {
      const reason = `not equal to the log: ${errant.toString() || 'nothing'} errant, ${missing.toString() || 'nothing'} missing`;
      throw new RoleTaskError('MYSQL_GTID_GAP', reason);
    }
    const faults = await admin.semisyncFaults();
    if (faults.length > 0) throw new RoleTaskError('MYSQL_SEMISYNC_OFF', faults.join('; '));
    signal.throwIfAborted();
    if (!tail.beginProposing(term)) {
      throw new RoleTaskError('MYSQL_FENCED', 'its server wrote, or the dump was lost, first');
    }
    await admin.setWritable(true, { timeoutMs: writableTimeoutMs });
    await admin.setEventScheduler(true);
  }

  async #quiesce(deadlineMs: number, signal: AbortSignal): Promise<void> {
    const { gate, clock } = this.#parts;
    const admin = this.#connected();
    const endsMs = clock.monotonicMs() + deadlineMs;
    const left = (): number => Math.max(1, endsMs - clock.monotonicMs());
    const held = await gate.holdStatements({ deadlineMs });
    if (held.kind === 'blocked') {
      const who = held.sessions
        .slice(0, 5)
        .map(
          (session) =>
            `${session.user}@${session.peer} (${Math.round(session.inTransactionMs)} ms)`,
        );
      const reason = `${held.sessions.length} session(s) stayed in a transaction: ${who.join(', ')}`;
      throw new RoleTaskError('MYSQL_TRANSFER_BLOCKED', reason);
    }
    signal.throwIfAborted();
    await admin.setEventScheduler(false);
    await admin.setWritable(false, { timeoutMs: left() });
    while (this.unackedCount > 0) {
      signal.throwIfAborted();
      if (clock.monotonicMs() > endsMs) {
        throw new RoleTaskError(
          'MYSQL_TRANSFER_BLOCKED',
          `${this.unackedCount} transactions wait for a quorum`,
        );
      }
      await clock.delay(unackedPollMs);
    }
  }

  async #transfer(target: string | null): Promise<void> {
    const { raft } = this.#parts;
    const peer = raft.status.peers.find(({ id }) => id === target);
    if (target !== null && peer === undefined) {
      throw new RoleTaskError('MYSQL_TRANSFER_BLOCKED', `${target} is no member of this cluster`);
    }
    await raft.transferLeadership(peer?.id ?? null);
  }

  async #resume(signal: AbortSignal): Promise<void> {
    const admin = this.#connected();
    await admin.setWritable(true, { timeoutMs: writableTimeoutMs });
    signal.throwIfAborted();
    await admin.setEventScheduler(true);
  }

  async #killServer(): Promise<void> {
    this.disconnect();
    await this.#parts.server.kill();
  }

  /** Nothing was compacted yet: the log alone makes a new server. */
  get #canRebuild(): boolean {
    return this.#parts.raft.status.firstIndex <= 1;
  }

  #connected(): ServerAdmin {
    if (this.#admin === null) throw new RoleTaskError('MYSQL_NOT_RUNNING', 'no mysqld runs here');
    return this.#admin;
  }
}

/** Executed by a server, and unknown to a log that has caught up with it. */
export function errantText(errant: GtidSet): string {
  return `errant transactions: ${errant.toString()} executed here, not in the log`;
}

function reusedText(gtid: Gtid): string {
  return `the server handed out ${formatGtid(gtid)}, which is in the log: its GTIDs were reset`;
}

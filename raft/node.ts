import { assert, assertNever } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/random.ts';
import type { RaftConfig } from './core/config.ts';
import type { Effect } from './core/effects.ts';
import type { Entry } from './core/entry.ts';
import type { Input } from './core/inputs.ts';
import { RaftMachine } from './core/machine.ts';
import type { MemberChange } from './core/member-changes.ts';
import { allMembers, isJoint, type Membership } from './core/membership.ts';
import type { MembershipRecord } from './core/membership-history.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { LogIndex, NodeId, Term } from './core/types.ts';
import { EffectRunner, type Notice } from './effect-runner.ts';
import { NotLeaderError, proposalError, ShuttingDownError } from './errors.ts';
import { HandOver } from './hand-over.ts';
import { LeaderWatch } from './leader-watch.ts';
import { LeaderLease, leaseDurationMs } from './lease.ts';
import type { LogStore } from './log-store.ts';
import type { Machine } from './machine.ts';
import { MembershipCallers } from './membership-callers.ts';
import type { ProposalReceipt, Raft, RaftStatus } from './raft-api.ts';
import type { RaftObserver } from './raft-observer.ts';
import { isSameStatus, isStatusOf, raftStatusOf } from './raft-status.ts';
import { SnapshotExchange, type SnapshotParts } from './snapshot-exchange.ts';
import { Ticker } from './ticker.ts';
import type { Transport } from './transport.ts';
import { isRead, type ReadKind, WaitingReads } from './waiting-reads.ts';

export interface RaftNodeOptions {
  readonly config: RaftConfig;
  readonly machine: Machine;
  /** Stays open, and is closed by its owner after the node. */
  readonly store: LogStore;
  /** Opened and closed by the node. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called at most once: the log failed, or an invariant broke. The node is dead already; the process should end. */
  readonly onFatal: (error: unknown) => void;
  /** Without it this node offers no snapshot and installs none, so its log cannot be compacted unless the node has no state. */
  readonly snapshots?: SnapshotParts;
  /** Length of a tick; equal on all nodes. */
  readonly tickMs?: number;
  /** Whether a leader may answer from its lease. Off by default: it trusts clocks (Raft thesis §6.4.1). */
  readonly isLeaseOn?: boolean;
  /** By how much the monotonic clocks of two nodes may differ in rate, for leases. */
  readonly driftBound?: number;
  /** Memory for the newest entries. */
  readonly cacheBytesMax?: number;
  readonly observer?: RaftObserver;
  /** For tests: see `Ticker`. */
  readonly afterPendingIo?: (callback: () => void) => void;
}

/** A node on the state its store was opened with. `random` decides election timeouts and nothing else. */
export function createRaftNode(
  options: Omit<RaftNodeOptions, 'machine'> & { readonly random: Random },
): RaftNode {
  const { config, random, store } = options;
  const machine = new RaftMachine({ config, random, restored: store.opened });
  return new RaftNode({ ...options, machine });
}

const defaultTickMs = 25;
const defaultDriftBound = 0.1;
// Payloads are views of the messages they came in, so that memory is about twice this.
const defaultCacheBytesMax = 12 * 1024 * 1024;

type Lifecycle = 'new' | 'open' | 'closed';

/**
 * One Raft member: the machine and what surrounds it. A turn takes every waiting input through the machine, carries out all
 * their effects together, then tells the listeners; turns never nest. What arrives meanwhile waits for the next.
 */
export class RaftNode implements Raft {
  readonly #options: RaftNodeOptions;
  readonly #tickMs: number;
  readonly #machine: Machine;
  readonly #runner: EffectRunner;
  readonly #ticker: Ticker;
  readonly #handOver: HandOver;
  readonly #lease: LeaderLease;
  readonly #reads = new WaitingReads();
  readonly #memberships = new MembershipCallers();
  readonly #snapshots: SnapshotExchange;
  readonly #connected = new Set<NodeId>();
  readonly #listeners = new Set<(status: RaftStatus) => void>();
  readonly #closing = new AbortController();
  #lifecycle: Lifecycle = 'new';
  #inputs: Input[] = [];
  #effects: Effect[] = [];
  #isTurnDue = false;
  #isStepping = false;
  #status: RaftStatus;
  #isStatusOld = false;
  #notified: RaftStatus;
  /** The term this node leads in, as the lease knows it. */
  #leaseTerm: Term | null = null;

  constructor(options: RaftNodeOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#tickMs = options.tickMs ?? defaultTickMs;
    this.#lease = new LeaderLease({
      durationMs: leaseDurationMs({
        electionTicksMin: options.config.electionTicksMin,
        tickMs: this.#tickMs,
        driftBound: options.driftBound ?? defaultDriftBound,
      }),
    });
    this.#runner = this.#buildRunner(options);
    this.#handOver = new HandOver({
      clock: options.clock,
      logger: options.logger,
      abdicationMsMax: this.#electionTimeoutMs('min'),
      status: () => this.status,
      onInput: (input) => this.#enqueue(input),
      signal: this.#closing.signal,
    });
    this.#snapshots = new SnapshotExchange({
      parts: options.snapshots ?? null,
      logger: options.logger,
      send: (to, message) => options.transport.send(to, message),
      onInput: (input) => this.#enqueue(input),
      commitIndex: () => this.#machine.status.commitIndex,
      tickMs: this.#tickMs,
      onFatal: (error) => this.#fail(error),
      signal: this.#closing.signal,
    });
    this.#ticker = this.#buildTicker(options);
    this.#status = raftStatusOf(this.#machine.status, this.#connected);
    this.#notified = this.#status;
  }

  /** Begins to listen, to connect and to count time. Rejects as `Transport.open` does. */
  async open(): Promise<void> {
    assert(this.#lifecycle === 'new', 'a node is opened once');
    this.#lifecycle = 'open';
    await this.#options.transport.open({
      onMessage: (from, message) => this.#enqueue({ kind: 'message', from, message }),
      onPeer: (peer, state) => this.#onPeer(peer, state),
    });
    if (this.#isOver) return;
    this.#tellMembers(this.#machine.status.membershipIndex, this.#machine.status.membership);
    this.#ticker.start();
    this.#wake();
  }

  /** Ends at once: nothing is sent or written any more. Whoever waits is rejected. Idempotent. */
  async close(): Promise<void> {
    this.#end();
    await this.#options.transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get status(): RaftStatus {
    if (this.#isStatusOld) {
      const { status } = this.#machine;
      if (!isStatusOf(this.#status, status, this.#connected)) {
        this.#status = raftStatusOf(status, this.#connected);
      }
      this.#isStatusOld = false;
    }
    return this.#status;
  }

  propose(payloads: readonly Uint8Array[]): ProposalReceipt {
    assert(!this.#isStepping, 'a proposal is made outside of the machine');
    if (this.#isOver) throw new ShuttingDownError();
    // What already arrived comes first: it may say that this node no longer leads.
    this.#stepWaiting();
    const answer = this.#step({ kind: 'propose', payloads }).find(isProposalAnswer);
    assert(answer !== undefined, 'a proposal is answered in its step');
    this.#wake();
    if (answer.kind === 'proposal-rejected') throw proposalError(answer);
    return { term: answer.term, firstIndex: answer.firstIndex, count: answer.count };
  }

  readIndex(): Promise<LogIndex> {
    return this.#read('read-index');
  }

  readIndexOfLeader(): Promise<LogIndex> {
    return this.#read('read-index-of-leader');
  }

  leaseUntilMs(): number {
    const { isLeaseOn = false } = this.#options;
    if (!isLeaseOn || this.#isOver) return 0;
    const { leaderReadyIndex, isTransferring, isLeaseSafe } = this.#machine.status;
    return leaderReadyIndex !== null && !isTransferring && isLeaseSafe ? this.#lease.untilMs : 0;
  }

  transferLeadership(target: NodeId | null): Promise<void> {
    if (this.#isOver) return Promise.reject(new ShuttingDownError());
    return this.#handOver.transfer(target);
  }

  changeMembership(changes: readonly MemberChange[]): Promise<LogIndex> {
    if (this.#isOver) return Promise.reject(new ShuttingDownError());
    const { promise, changeId } = this.#memberships.join();
    this.#enqueue({ kind: 'change-membership', changeId, changes });
    return promise;
  }

  abdicate(reason: string): void {
    if (!this.#isOver) this.#handOver.abdicate(reason);
  }

  setApplied(index: LogIndex): void {
    this.#enqueue({ kind: 'applied', index });
  }

  setElectable(isElectable: boolean): void {
    this.#enqueue({ kind: 'set-electable', isElectable });
  }

  setServerUp(isServerUp: boolean): void {
    this.#enqueue({ kind: 'set-server-up', isServerUp });
  }

  compact(upTo: LogIndex): void {
    const { snapshots, config } = this.#options;
    const mayCompact = snapshots !== undefined || config.isStateless === true;
    assert(mayCompact, 'who drops entries can give away or take a snapshot in their place');
    this.#enqueue({ kind: 'compact', upTo });
  }

  describeSnapshot(index: LogIndex): SnapshotMeta | null {
    return this.#machine.describeSnapshot(index);
  }

  async read(range: {
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly bytesMax: number;
  }): Promise<readonly Entry[]> {
    if (this.#isOver) throw new ShuttingDownError();
    return await this.#runner.read(range);
  }

  onChange(listener: (status: RaftStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #read(kind: ReadKind): Promise<LogIndex> {
    if (this.#isOver) return Promise.reject(new ShuttingDownError());
    const { promise, opened } = this.#reads.join(kind);
    if (opened !== null) this.#enqueue({ kind, readId: opened });
    return promise;
  }

  get #isOver(): boolean {
    return this.#lifecycle === 'closed';
  }

  #buildRunner(options: RaftNodeOptions): EffectRunner {
    return new EffectRunner({
      store: options.store,
      transport: options.transport,
      clock: options.clock,
      logger: options.logger,
      cacheBytesMax: options.cacheBytesMax ?? defaultCacheBytesMax,
      appendBytesMax: options.config.appendBytesMax,
      isCurrent: ({ term }) => this.status.role === 'leader' && this.status.term === term,
      onRoundSent: (round) => this.#lease.sending(round, options.clock.monotonicMs()),
      onInput: (input) => this.#enqueue(input),
      onNotice: (notice) => this.#onNotice(notice),
      onFatal: (error) => this.#fail(error),
      observer: options.observer,
    });
  }

  #buildTicker({ clock, logger, afterPendingIo }: RaftNodeOptions): Ticker {
    const watch = new LeaderWatch({
      clock,
      logger,
      electionMsMin: this.#electionTimeoutMs('min'),
      electionMsMax: this.#electionTimeoutMs('max'),
      status: () => this.status,
      writeInFlightSinceMs: () => this.#runner.writeInFlightSinceMs,
      readIndex: () => this.readIndex(),
      abdicate: (reason) => this.abdicate(reason),
      onInput: (input) => this.#enqueue(input),
      signal: this.#closing.signal,
    });
    return new Ticker({
      clock,
      tickMs: this.#tickMs,
      onTick: () => {
        watch.tick();
        this.#snapshots.tick();
        this.#enqueue({ kind: 'tick' });
      },
      onStall: (stalledMs) => watch.stalled(stalledMs),
      ...(afterPendingIo && { afterPendingIo }),
    });
  }

  #electionTimeoutMs(bound: 'min' | 'max'): number {
    const { electionTicksMin, electionTicksMax } = this.#options.config;
    return (bound === 'min' ? electionTicksMin : electionTicksMax) * this.#tickMs;
  }

  // One turn.

  #enqueue(input: Input): void {
    if (this.#isOver) return;
    this.#inputs.push(input);
    this.#wake();
  }

  /** All that is told in one go of the event loop shares a turn, and so a disk write and a message per peer. */
  #wake(): void {
    if (this.#isTurnDue || this.#isOver) return;
    this.#isTurnDue = true;
    queueMicrotask(() => this.#turn());
  }

  #turn(): void {
    try {
      while (!this.#isOver) {
        this.#stepWaiting();
        const effects = this.#effects;
        this.#effects = [];
        this.#runner.run(effects);
        this.#notify();
        if (this.#inputs.length === 0 && this.#effects.length === 0) break;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isTurnDue = false;
    }
  }

  #stepWaiting(): void {
    while (this.#inputs.length > 0) {
      const inputs = this.#inputs;
      this.#inputs = [];
      for (const input of inputs) {
        if (this.#isOver) return;
        this.#step(input);
      }
    }
    this.#followLease();
  }

  #step(input: Input): readonly Effect[] {
    assert(!this.#isStepping, 'the machine is never entered twice');
    if (isRead(input)) this.#reads.seal(input.readId);
    this.#isStepping = true;
    try {
      const effects = this.#machine.step(input);
      this.#effects.push(...effects);
      return effects;
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#isStepping = false;
      this.#isStatusOld = true;
    }
  }

  /** Rounds count anew in each leadership, so the lease must forget those of the one before. */
  #followLease(): void {
    const { term, role, quorumRound } = this.#machine.status;
    if (role !== 'leader' || term !== this.#leaseTerm) this.#lease.reset();
    else this.#lease.confirmed(quorumRound);
    this.#leaseTerm = role === 'leader' ? term : null;
  }

  #notify(): void {
    const { status } = this;
    if (isSameStatus(status, this.#notified)) return;
    this.#notified = status;
    for (const listener of [...this.#listeners]) {
      if (this.#isOver) return;
      listener(status);
    }
  }

  #onNotice(notice: Notice): void {
    switch (notice.kind) {
      case 'read-ready':
        this.#reads.ready(notice.readId, notice.index);
        return;
      case 'read-rejected':
        this.#reads.rejected(notice.readId, new NotLeaderError(notice.leaderId));
        return;
      case 'send-snapshot':
        this.#snapshots.offer(notice);
        return;
      case 'fetch-snapshot':
        this.#snapshots.fetch(notice);
        return;
      case 'transfer-ended':
        this.#handOver.ended(notice);
        return;
      case 'role-changed':
        this.#options.logger.info('role-changed', {
          role: notice.role,
          term: notice.term,
          leader: notice.leaderId,
        });
        return;
      case 'membership-changed':
        this.#onMembership(notice);
        return;
      case 'membership-change-ended':
        this.#memberships.ended(notice.changeId, notice.end);
        return;
      // The answer to `propose` was given in its step; the commit index is in the status.
      case 'proposal-accepted':
      case 'proposal-rejected':
      case 'committed':
        return;
      default:
        assertNever(notice);
    }
  }

  #onMembership({ index, membership }: MembershipRecord): void {
    this.#options.logger.info('membership-changed', {
      index,
      members: membership.incoming.map(({ id, kind }) => `${id} ${kind}`),
      ...(isJoint(membership) && { leaving: membership.outgoing.map(({ id }) => id) }),
    });
    this.#tellMembers(index, membership);
  }

  #tellMembers(index: LogIndex, membership: Membership): void {
    const { config, transport } = this.#options;
    const others = allMembers(membership).filter(({ id }) => id !== config.self);
    transport.setMembers(others, index);
  }

  #onPeer(peer: NodeId, state: 'up' | 'down'): void {
    if (this.#isOver) return;
    this.#isStatusOld = true;
    if (state === 'up') {
      this.#connected.add(peer);
      this.#wake();
      return;
    }
    this.#connected.delete(peer);
    this.#enqueue({ kind: 'peer-unreachable', peer });
  }

  // The end.

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#options.logger.error('raft-failed', { error });
    this.#end();
    this.#options.onFatal(error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#lifecycle = 'closed';
    this.#ticker.stop();
    this.#runner.stop();
    this.#inputs = [];
    this.#effects = [];
    const error = new ShuttingDownError();
    this.#closing.abort(error);
    this.#reads.rejectAll(error);
    this.#handOver.end(error);
    this.#memberships.rejectAll(error);
  }
}

type ProposalAnswer = Extract<Effect, { readonly kind: 'proposal-accepted' | 'proposal-rejected' }>;

function isProposalAnswer(effect: Effect): effect is ProposalAnswer {
  return effect.kind === 'proposal-accepted' || effect.kind === 'proposal-rejected';
}

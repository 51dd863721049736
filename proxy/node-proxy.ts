import { assert } from '../base/assert.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import { messageOf } from '../base/errors.ts';
import { claimPorts } from './claim-ports.ts';
import { CommitRounds } from './commit-rounds.ts';
import { LeadershipRounds } from './leadership-rounds.ts';
import { type PortName, type ProxyOptions, portNames } from './options.ts';
import {
  type HoldOutcome,
  isSameView,
  type Proxy as ProxyContract,
  type ProxyCounts,
  type ProxyView,
} from './proxy-api.ts';
import { SharedGate } from './shared-gate.ts';
import { SharedTimings } from './shared-timings.ts';
import { StatementHold } from './statement-hold.ts';
import type { FromWorker } from './worker/worker-messages.ts';
import { WorkerPool, type WorkerPoolOptions, type Workers } from './worker-pool.ts';

/** How often the lease is copied to where the workers see it; a lease lasts many times longer. */
const leaseCopyMs = 10;

/** Where the sessions run. A simulation has one of its own. */
export interface ProxyPlatform {
  /** Answers the addresses that will be listened on. Rejects FatalError PORT_TAKEN. */
  claimPorts(addresses: ProxyOptions['addresses']): Promise<ProxyOptions['addresses']>;
  createWorkers(options: WorkerPoolOptions): Workers;
}

const systemPlatform: ProxyPlatform = {
  claimPorts,
  createWorkers: (options) => new WorkerPool(options),
};

/** The main thread's side: permissions and rounds through shared memory, everything else by messages to the workers. */
export class NodeProxy implements ProxyContract {
  readonly #options: ProxyOptions;
  readonly #platform: ProxyPlatform;
  readonly #gate: SharedGate;
  /** Of commits, from the ack to the answer. */
  readonly timings: SharedTimings = SharedTimings.allocate();
  /** Of the proposals of the node. */
  readonly commitRounds: CommitRounds;
  readonly #rounds: LeadershipRounds;
  readonly #hold: StatementHold;
  #pool: Workers | null = null;
  #addresses: ProxyOptions['addresses'];
  #view: ProxyView = { readWrite: null, readOnly: null };
  #stopLeaseCopies: (() => void) | null = null;
  #readOnlyEnd: { readonly done: Deferred<void>; readonly workers: Set<number> } | null = null;
  #isKilling = false;

  constructor(options: ProxyOptions, platform: ProxyPlatform = systemPlatform) {
    assert(options.workers > 0, 'a proxy has at least one worker');
    this.#options = options;
    this.#platform = platform;
    this.#addresses = options.addresses;
    this.#gate = SharedGate.allocate(options.workers);
    this.commitRounds = new CommitRounds(this.#gate, () => this.#tellWaitingWorkers());
    this.#rounds = new LeadershipRounds({
      gate: this.#gate,
      host: options.host,
      clock: options.clock,
      logger: options.logger,
      onConfirmed: () => this.#tellWaitingWorkers(),
    });
    this.#hold = new StatementHold({
      gate: this.#gate,
      clock: options.clock,
      workers: options.workers,
      postAll: (message) => this.#pool?.postAll(message),
    });
  }

  /** The ports listened on, once open. */
  get ports(): Readonly<Record<PortName, number>> {
    const entries = portNames.map((name) => [name, this.#addresses[name].port]);
    return Object.fromEntries(entries) as Record<PortName, number>;
  }

  async open(): Promise<void> {
    assert(this.#pool === null, 'a proxy is opened once');
    const { clock, limits, logger, readMode, reservedUsers, workers } = this.#options;
    this.#addresses = await this.#platform.claimPorts(this.#options.addresses);
    const settings = {
      workers,
      gateBuffer: this.#gate.buffer,
      timingsBuffer: this.timings.buffer,
      addresses: this.#addresses,
      limits,
      readMode,
      reservedUsers,
    };
    const pool = this.#platform.createWorkers({
      workers,
      settings,
      logger,
      onMessage: (worker, message) => this.#receive(worker, message),
    });
    try {
      await pool.open();
    } catch (thrown) {
      await pool.terminate();
      throw thrown;
    }
    this.#pool = pool;
    pool.postAll({ kind: 'view', view: this.#view });
    if (readMode === 'lease') {
      this.#stopLeaseCopies = clock.every(leaseCopyMs, () => this.#copyLease());
    }
  }

  async close(): Promise<void> {
    this.#stopLeaseCopies?.();
    this.#rounds.close();
    this.closeGate('the node is closing');
    this.#hold.end({ isHandedOver: false });
    await this.#pool?.close();
    this.#pool = null;
    this.#readOnlyEnd?.done.resolve();
    this.#readOnlyEnd = null;
  }

  /** Fine after every commit: the workers hear only of a view that differs, or of a permission that came with it. */
  setView(view: ProxyView): void {
    const isNews = !isSameView(view, this.#view);
    this.#view = view;
    const mayServeReadOnly = view.readOnly?.kind === 'local' && this.#readOnlyEnd === null;
    const opens = mayServeReadOnly && this.#gate.epoch('read-only') === 0;
    if (opens) this.#gate.open('read-only');
    if (isNews || opens) this.#pool?.postAll({ kind: 'view', view });
  }

  openGate(term: number): void {
    this.timings.forgetAcks();
    this.#gate.open('gate');
    this.#options.logger.info('gate-opened', { term });
    if (this.#stopLeaseCopies !== null) this.#copyLease();
    this.#pool?.postAll({ kind: 'gate-changed' });
    this.#rounds.wake();
  }

  closeGate(reason: string): void {
    if (this.#gate.epoch('gate') === 0) return;
    this.#gate.close('gate');
    this.#options.logger.info('gate-closed', { reason });
    this.#pool?.postAll({ kind: 'gate-changed' });
  }

  async endLocalReadOnlySessions(): Promise<void> {
    this.#gate.close('read-only');
    const pool = this.#pool;
    if (pool === null) return;
    if (this.#readOnlyEnd === null) {
      const workers = new Set(Array(this.#options.workers).keys());
      this.#readOnlyEnd = { done: deferred(), workers };
      pool.postAll({ kind: 'end-read-only' });
    }
    await this.#readOnlyEnd.done.promise;
  }

  holdStatements(options: { readonly deadlineMs: number }): Promise<HoldOutcome> {
    // Without workers there is nothing to wait for, and nobody who could say so.
    if (this.#pool === null) return Promise.resolve({ kind: 'quiet' });
    return this.#hold.begin(options.deadlineMs);
  }

  releaseStatements(outcome: 'aborted' | 'handed-over'): void {
    this.#hold.end({ isHandedOver: outcome === 'handed-over' });
  }

  counts(): ProxyCounts {
    const gate = this.#gate;
    return {
      readWriteSessions: gate.sessions('readWrite') + gate.sessions('forwardReadWrite'),
      readOnlySessions: gate.sessions('readOnly') + gate.sessions('forwardReadOnly'),
      refusedSessions: gate.refusedSessions,
      heldResponses: gate.heldResponses,
    };
  }

  #receive(worker: number, message: FromWorker): void {
    switch (message.kind) {
      case 'round-wanted':
        this.#rounds.wake();
        break;
      case 'quiet':
        this.#hold.quiet(worker);
        break;
      case 'blocking':
        this.#hold.blocking(worker, message.sessions);
        break;
      case 'lingering':
        this.#kill(message.connectionIds);
        break;
      case 'read-only-ended':
        this.#readOnlyEnded(worker);
        break;
      case 'log':
        this.#options.logger.warn(message.event, message.fields);
        break;
      case 'listening':
      case 'listen-failed':
      case 'closed':
        break;
      default:
        message satisfies never;
    }
  }

  #tellWaitingWorkers(): void {
    for (let worker = 0; worker < this.#options.workers; worker += 1) {
      if (this.#gate.takeWaiting(worker)) this.#pool?.post(worker, { kind: 'confirmed' });
    }
  }

  #copyLease(): void {
    if (this.#gate.epoch('gate') === 0) return;
    this.#gate.setLease(BigInt(Math.floor(this.#options.host.leaseUntilMs() * 1e6)));
  }

  /** One attempt at a time; the workers ask again as long as something is left. */
  #kill(connectionIds: readonly number[]): void {
    if (this.#isKilling) return;
    this.#isKilling = true;
    this.#options
      .killConnections(connectionIds)
      .catch((thrown: unknown) => {
        this.#options.logger.warn('kill-failed', { reason: messageOf(thrown) });
      })
      .finally(() => {
        this.#isKilling = false;
      });
  }

  #readOnlyEnded(worker: number): void {
    const end = this.#readOnlyEnd;
    if (end === null) return;
    end.workers.delete(worker);
    if (end.workers.size > 0) return;
    this.#readOnlyEnd = null;
    end.done.resolve();
  }
}

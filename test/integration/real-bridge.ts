import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { bridgeParts } from '../../cli/bridge-wiring.ts';
import { Bridge } from '../../mysql-bridge/bridge.ts';
import type { BridgeParts, ClientGate } from '../../mysql-bridge/bridge-parts.ts';
import { TransactionLedger } from '../../mysql-bridge/ledger/transaction-ledger.ts';
import { term } from '../../raft/core/types.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { startTestMySql, type TestMySql } from '../support/mysql-server.ts';
import { until } from './source-support.ts';

/** Between two looks of `ServerMonitor`. */
const lookPeriodMs = 200;

/** No look begins while it is held. */
export class HeldClock extends SystemClock {
  #held: PromiseWithResolvers<void> | null = null;
  #periodMs = lookPeriodMs;
  /** Looks that wait to begin. */
  waiting = 0;

  hold(): void {
    this.#held = Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** As many looks as the server answers. */
  hurry(): void {
    this.#periodMs = 1;
  }

  override async delay(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (ms !== lookPeriodMs) return await super.delay(ms, options);
    this.waiting += 1;
    try {
      await super.delay(this.#periodMs, options);
      await this.#held?.promise;
    } finally {
      this.waiting -= 1;
    }
  }
}

/** A bridge with a real mysqld and its real monitor, whose node leads, in front of a log without consensus. */
export class RealBridge implements AsyncDisposable {
  readonly raft: ArrayRaft;
  readonly mysql: TestMySql;
  readonly clock: HeldClock = new HeldClock();
  readonly bridge: Bridge;
  /** Why the gate to clients was closed. */
  readonly closed: string[] = [];
  readonly states: { readonly kind: string; readonly reason: string }[] = [];
  readonly #ledger: TransactionLedger;
  #statesSeen = 0;

  private constructor(mysql: TestMySql, raft: ArrayRaft, ledger: TransactionLedger) {
    this.mysql = mysql;
    this.raft = raft;
    this.#ledger = ledger;
    this.bridge = new Bridge(this.#parts(), {
      // Nobody listens there: a replica of this log never has anything to apply.
      source: { host: '127.0.0.1', port: 1, user: 'nobody', password: '' },
      appAccount: null,
      probeTimeoutMs: 60_000,
      diskTimeoutMs: 60_000,
      transferDeadlineMs: 60_000,
    });
    this.bridge.onState(({ kind }) => {
      this.states.push({ kind, reason: this.bridge.status.reason });
    });
  }

  static async primary(): Promise<RealBridge> {
    const mysql = await startTestMySql({ isStarted: false });
    const raft = new ArrayRaft();
    const ledger = await TransactionLedger.open({
      ...{ raft, checkpointPath: null, logger: silentLogger },
      onFailure(error) {
        throw error;
      },
    });
    const node = new RealBridge(mysql, raft, ledger);
    await node.bridge.open();
    node.lead();
    await node.was('primary');
    return node;
  }

  /** From the next term on, with its first entry committed. */
  lead(): void {
    const leaderTerm = term(this.raft.status.term + 1);
    const leaderReadyIndex = this.raft.append(leaderTerm, null);
    this.raft.commit();
    this.raft.change({ role: 'leader', term: leaderTerm, leaderReadyIndex });
  }

  /** What is proposed meanwhile commits soon after. */
  async committing(work: () => Promise<unknown>): Promise<void> {
    const stop = this.clock.every(1, () => this.raft.commit());
    try {
      await work();
    } finally {
      stop();
    }
  }

  async insert(count: number): Promise<void> {
    const sessions = await Promise.all([this.mysql.connect(), this.mysql.connect()]);
    const inserts = sessions.map(async (session) => {
      for (let done = 0; done < count; done += 1) await session.query('INSERT INTO d.t VALUES ()');
    });
    await Promise.all(inserts);
  }

  /** So many entries are in the log. */
  async inLog(count: number): Promise<void> {
    await until(() => Promise.resolve(this.raft.status.lastIndex >= count));
  }

  /** Waits for this state, behind those that were waited for before. */
  async was(kind: string): Promise<void> {
    const find = (): number =>
      this.states.findIndex((state, at) => at >= this.#statesSeen && state.kind === kind);
    await until(() => Promise.resolve(find() !== -1));
    this.#statesSeen = find() + 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.clock.release();
    await this.bridge.close();
    await this.#ledger.close();
    await this.mysql[Symbol.asyncDispose]();
  }

  /** As a node has them. */
  #parts(): BridgeParts {
    const { raft, mysql, clock } = this;
    const { server, account, installation } = mysql;
    return bridgeParts({
      ...{ raft, server, account, installation, clock, logger: silentLogger },
      ledger: this.#ledger,
      gate: this.#gate(),
      tail: { current: null },
      listeners: {},
      dataDirectory: mysql.directory,
      dumpServerId: 9001,
      dumpUuid: 'aaaaaaaa-0000-0000-0000-000000000001',
    });
  }

  #gate(): ClientGate {
    return {
      openGate: () => undefined,
      closeGate: (reason) => {
        this.closed.push(reason);
      },
      endLocalReadOnlySessions: () => Promise.resolve(),
      holdStatements: () => Promise.resolve({ kind: 'quiet' }),
      releaseStatements: () => undefined,
    };
  }
}

import { silentLogger } from '../../base/logger.ts';
import type { Gtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../mysql-bridge/binlog/position.ts';
import type {
  BridgeOptions,
  BridgeParts,
  Bypasses,
  ClientGate,
  Ledger,
  MissingTransaction,
  ServerAdmin,
  Tail,
} from '../../mysql-bridge/bridge-parts.ts';
import type { Condemnation, MySqlExit, MySqlServer } from '../../mysql-bridge/mysql-server.ts';
import type { StatementTrace } from '../../mysql-bridge/role/unlogged-writes.ts';
import { type LogIndex, logIndex, term } from '../../raft/core/types.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** What happened to all parts, in one order. */
export class Calls {
  readonly list: string[] = [];
  readonly #failing = new Map<string, Error>();

  /** A call of this name is refused from now on. */
  fail(name: string, error: Error = new Error(`${name} failed`)): void {
    this.#failing.set(name, error);
  }

  /** It works again. */
  mend(name: string): void {
    this.#failing.delete(name);
  }

  async make(name: string): Promise<void> {
    await Promise.resolve();
    this.note(name);
    const error = this.#failing.get(name);
    if (error !== undefined) throw error;
  }

  note(name: string): void {
    this.list.push(name);
  }

  /** What came since the last call of this. */
  taken(): string[] {
    return this.list.splice(0);
  }
}

export class FakeAdmin implements ServerAdmin {
  executed = '';
  end: BinlogPosition = { file: 'binlog.000001', offset: 158n };
  /** Of the next looks, one each. */
  readonly semisync: (readonly string[])[] = [];
  gateFaults: string[] = [];
  traces: StatementTrace[] = [];
  settings: string[] = [];
  replica: string[] = [];
  probes: boolean[] = [];
  onProbe: () => void = () => undefined;
  isClosed = false;
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  executedGtids(): Promise<string> {
    return this.isClosed ? Promise.reject(new Error('closed')) : Promise.resolve(this.executed);
  }
  binlogEnd(): Promise<BinlogPosition> {
    return Promise.resolve(this.end);
  }
  waitForExecuted(): Promise<boolean> {
    return Promise.resolve(true);
  }
  follow(): Promise<void> {
    return this.#calls.make('follow');
  }
  stopFollowing(): Promise<void> {
    return this.#calls.make('stop-following');
  }
  setWritable(isWritable: boolean): Promise<void> {
    return this.#calls.make(isWritable ? 'writable' : 'read-only');
  }
  setFlush(role: string): Promise<void> {
    return this.#calls.make(`flush-${role}`);
  }
  setEventScheduler(isOn: boolean): Promise<void> {
    return this.#calls.make(isOn ? 'events-on' : 'events-off');
  }
  settingsFaults(): Promise<readonly string[]> {
    return Promise.resolve(this.settings);
  }
  semisyncFaults(): Promise<readonly string[]> {
    return Promise.resolve(this.semisync.shift() ?? []);
  }
  bypasses(): Promise<Bypasses> {
    return Promise.resolve({ gate: this.gateFaults, traces: this.traces });
  }
  replicaFaults(): Promise<readonly string[]> {
    return Promise.resolve(this.replica);
  }
  probe(): Promise<boolean> {
    this.onProbe();
    return Promise.resolve(this.probes.shift() ?? true);
  }
  killConnections(): Promise<void> {
    return Promise.resolve();
  }
  ensureAppAccount(): Promise<void> {
    return this.#calls.make('app-account');
  }
  close(): void {
    this.isClosed = true;
    this.#calls.note('admin-closed');
  }
}

export class FakeTail implements Tail {
  unackedCount = 0;
  receivedEnd: BinlogPosition | null = null;
  /** By an errant write. */
  isShut = false;
  /** Never covered by an ack. */
  unacked: readonly Gtid[] = [];
  lost: (reason: string) => void = () => undefined;
  errant: (gtid: Gtid) => void = () => undefined;
  reused: (gtid: Gtid) => void = () => undefined;
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  attach(): Promise<void> {
    return this.#calls.make('attach');
  }
  beginProposing(inTerm: number): boolean {
    if (this.isShut) return false;
    this.#calls.note(`propose-in-${inTerm}`);
    return true;
  }
  stopAcks(): void {
    this.#calls.note('stop-acks');
  }
  passedWithoutAck(executed: GtidSet): Gtid | null {
    return this.unacked.find((gtid) => executed.has(gtid)) ?? null;
  }
  onLost(listener: (reason: string) => void): void {
    this.lost = listener;
  }
  onErrant(listener: (gtid: Gtid) => void): void {
    this.errant = listener;
  }
  onReused(listener: (gtid: Gtid) => void): void {
    this.reused = listener;
  }
  close(): void {
    this.#calls.note('tail-closed');
  }
}

class FakeServer implements MySqlServer {
  state = 'stopped' as const;
  pid = 1;
  socketPath = '';
  port = 1;
  adminPort = 2;
  dataDirectory = '';
  mark: Condemnation | null = null;
  disk: string | null = null;
  exit: (exit: MySqlExit) => void = () => undefined;
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  prepare(): Promise<void> {
    return this.#calls.make('prepare');
  }
  start(): Promise<void> {
    return this.#calls.make('start');
  }
  kill(): Promise<void> {
    return this.#calls.make('kill');
  }
  stop(): Promise<void> {
    return this.#calls.make('polite-stop');
  }
  async condemn(condemnation: Condemnation): Promise<void> {
    await this.#calls.make('condemn');
    this.mark = condemnation;
  }
  condemnation(): Promise<Condemnation | null> {
    return Promise.resolve(this.mark);
  }
  diskFault(): Promise<string | null> {
    return Promise.resolve(this.disk);
  }
  async rebuild(): Promise<void> {
    await this.#calls.make('rebuild');
    this.mark = null;
  }
  onExit(listener: (exit: MySqlExit) => void): () => void {
    this.exit = listener;
    return () => undefined;
  }
}

class FakeLedger implements Ledger {
  committed: GtidSet = new GtidSet();
  ledgerIndex: LogIndex = logIndex(0);
  logHash = '';
  indexOfApplied: Ledger['indexOfApplied'] = () => Promise.resolve(logIndex(0));
  missing: MissingTransaction | null = null;

  hasTransaction(gtid: Gtid): boolean {
    return this.committed.has(gtid);
  }
  caughtUpTo(): Promise<void> {
    return Promise.resolve();
  }
  missingIn(): Promise<MissingTransaction | null> {
    return Promise.resolve(this.missing);
  }
  errantOf(executed: GtidSet): GtidSet {
    return executed.subtract(this.committed);
  }
}

class FakeGate implements ClientGate {
  isOpen = false;
  blockedBy: string | null = null;
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  openGate(inTerm: number): void {
    this.isOpen = true;
    this.#calls.note(`open-gate-${inTerm}`);
  }
  closeGate(): void {
    this.isOpen = false;
    this.#calls.note('close-gate');
  }
  endLocalReadOnlySessions(): Promise<void> {
    return this.#calls.make('end-read-only');
  }
  async holdStatements(): ReturnType<ClientGate['holdStatements']> {
    await this.#calls.make('hold');
    if (this.blockedBy === null) return { kind: 'quiet' };
    const session = { id: 1, user: this.blockedBy, peer: 'there', inTransactionMs: 5 };
    return { kind: 'blocked', sessions: [session] };
  }
  releaseStatements(outcome: string): void {
    this.#calls.note(`release-${outcome}`);
  }
}

class FakeRaft extends ArrayRaft {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    super([], { isTailDecided: false });
    this.#calls = calls;
  }

  override abdicate(): void {
    this.#calls.note('abdicate');
  }
  override setElectable(isElectable = true): void {
    this.#calls.note(isElectable ? 'electable' : 'not-electable');
  }
  override transferLeadership(): Promise<void> {
    return this.#calls.make('transfer');
  }
}

/** All parts of a bridge, and the world around it. */
export class FakeWorld {
  readonly calls: Calls = new Calls();
  readonly clock: FakeClock = new FakeClock();
  readonly raft: ArrayRaft = new FakeRaft(this.calls);
  readonly server: FakeServer = new FakeServer(this.calls);
  readonly ledger: FakeLedger = new FakeLedger();
  readonly gate: FakeGate = new FakeGate(this.calls);
  admin: FakeAdmin = new FakeAdmin(this.calls);
  tail: FakeTail = new FakeTail(this.calls);

  get parts(): BridgeParts {
    const { raft, server, ledger, gate, clock } = this;
    return {
      raft,
      server,
      ledger,
      gate,
      clock,
      logger: silentLogger,
      connectAdmin: async () => {
        const { executed } = this.admin;
        this.admin = new FakeAdmin(this.calls);
        this.admin.executed = executed;
        await this.calls.make('connect');
        return this.admin;
      },
      createTail: () => {
        this.tail = new FakeTail(this.calls);
        return this.tail;
      },
      cutBinlog: async () => {
        await this.calls.make('cut');
        return [];
      },
    };
  }

  follow(inTerm: number): void {
    this.raft.change({
      role: 'follower',
      term: term(inTerm),
      isTailDecided: true,
      leaderReadyIndex: null,
    });
  }

  lead(inTerm: number): void {
    this.raft.change({
      role: 'leader',
      term: term(inTerm),
      isTailDecided: true,
      leaderReadyIndex: logIndex(1),
    });
  }
}

export const fakeOptions: BridgeOptions = {
  source: { host: '127.0.0.1', port: 1, user: 'binlog', password: '' },
  appAccount: null,
  probeTimeoutMs: 3000,
  diskTimeoutMs: 5000,
  transferDeadlineMs: 5000,
};

/** Lets every promise that can settle do so; no time passes. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

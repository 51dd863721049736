import { assert } from '../../../base/assert.ts';
import { buildArtificialRotate } from '../../../mysql-bridge/binlog/control-events.ts';
import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { GtidSet as Gtids } from '../../../mysql-bridge/binlog/gtid-set.ts';
import {
  type AttachOptions,
  type Call,
  type DumpUnderTest,
  executedWords,
  type MysqlUnderTest,
} from './cases/mysql-under-test.ts';
import type { SimMysqlEffect } from './effects.ts';
import type { SimMysqlInput } from './inputs.ts';
import { SimDump } from './sim-dump.ts';
import { SimMysqld } from './sim-mysqld.ts';
import type { SimAnswer, SimStatement } from './statements.ts';
import { Upstream } from './upstream.ts';

const serverUuid = 'aaaaaaaa-0000-0000-0000-000000000001';
const serverId = 1;

/** A statement of a case; timers run out when nothing else can happen, for then only time can answer. */
class SimCall implements Call {
  readonly #onStuck: () => void;
  result: SimAnswer | 'closed' | null = null;

  constructor(onStuck: () => void) {
    this.#onStuck = onStuck;
  }

  get isAnswered(): boolean {
    return this.result !== null;
  }

  answer(): Promise<SimAnswer | 'closed'> {
    if (this.result === null) this.#onStuck();
    assert(this.result !== null, 'the case waits for an answer that cannot come');
    return Promise.resolve(this.result);
  }
}

/** Cases against the model: everything that can happen happens at once, and nothing else ever will. */
export class SimDriver implements MysqlUnderTest {
  readonly #mysqld = new SimMysqld({ serverId, serverUuid });
  readonly #sessions = new Map<string, number>();
  readonly #connected = new Set<number>();
  readonly #calls = new Map<number, SimCall>();
  readonly #dumps = new Map<number, SimDump>();
  #timers: number[] = [];
  #lastSession = 0;
  #bridge: SimDump | null = null;
  #acknowledgesAll = false;
  #upstream = new Upstream({ serverUuid: 'eeeeeeee-0000-0000-0000-000000000001', serverId: 7 });
  #source: { readonly connection: number; sent: GtidSet } | null = null;
  #isFollowing = false;

  static async open(): Promise<SimDriver> {
    const driver = new SimDriver();
    await driver.start();
    return driver;
  }

  get bridge(): DumpUnderTest {
    assert(this.#bridge !== null, 'a bridge is attached');
    return this.#bridge;
  }

  acknowledgeAll(isOn: boolean): void {
    this.#acknowledgesAll = isOn;
    if (isOn) this.#acknowledgeBridge();
  }

  async connect(session: string): Promise<void> {
    const { isConnected } = await this.connectHeldUp(session);
    assert(isConnected, `${session} is logged in`);
  }

  disconnect(name: string): Promise<void> {
    const session = this.sessionNumber(name);
    this.#connected.delete(session);
    this.#step({ kind: 'disconnect', session });
    return Promise.resolve();
  }

  connectHeldUp(
    name: string,
  ): Promise<{ readonly isConnected: boolean; connected(): Promise<void> }> {
    this.#lastSession += 1;
    const session = this.#lastSession;
    this.#sessions.set(name, session);
    this.#step({ kind: 'connect', session, isAdmin: true });
    const isConnected = (): boolean => this.#connected.has(session);
    return Promise.resolve({
      isConnected: isConnected(),
      connected() {
        assert(isConnected(), `${name} is logged in by now`);
        return Promise.resolve();
      },
    });
  }

  async ask(session: string, statement: SimStatement): Promise<SimAnswer> {
    const answer = await (await this.begin(session, statement)).answer();
    assert(answer !== 'closed', `${session} is still connected`);
    return answer;
  }

  begin(name: string, statement: SimStatement): Promise<Call> {
    if (statement.kind === 'follow') this.#isFollowing = true;
    const session = this.sessionNumber(name);
    const call = new SimCall(() => this.#runOutTimers());
    this.#calls.set(session, call);
    this.#step({ kind: 'statement', session, statement });
    return Promise.resolve(call);
  }

  stillWaits(call: Call): Promise<void> {
    assert(!call.isAnswered, 'the statement still waits');
    return Promise.resolve();
  }

  sessionNumber(name: string): number {
    const session = this.#sessions.get(name);
    assert(session !== undefined, `${name} was connected`);
    return session;
  }

  async killDump(): Promise<void> {
    assert(this.#bridge !== null, 'a bridge is attached');
    await this.connect('killer of the dump');
    const { session } = this.#bridge;
    await this.ask('killer of the dump', { kind: 'kill', session, what: 'connection' });
    this.#runOutTimers();
  }

  attach(options: AttachOptions): Promise<DumpUnderTest> {
    return Promise.resolve(this.#attach(options));
  }

  executed(): Promise<string> {
    const names = { own: serverUuid, source: this.#upstream.serverUuid, base: 0n };
    return Promise.resolve(executedWords(this.#executed(), names));
  }

  pass(): Promise<void> {
    return Promise.reject(new Error('nothing happens any more, so the condition cannot come true'));
  }

  kill(): Promise<void> {
    this.#step({ kind: 'kill' });
    return Promise.resolve();
  }

  shutDown(): Promise<void> {
    this.#step({ kind: 'shutdown' });
    this.#runOutTimers();
    assert(this.#mysqld.state === 'stopped', 'a polite shutdown ends');
    return Promise.resolve();
  }

  async start(): Promise<void> {
    await this.startOnly();
    const attach = { isSemisync: true, excludes: 'executed', name: 'bridge' } as const;
    this.#bridge = this.#attach(attach);
    await this.connect('starter');
    await this.ask('starter', { kind: 'set-global', settings: { readOnly: false } });
  }

  startOnly(): Promise<void> {
    this.#step({ kind: 'start' });
    assert(this.#mysqld.state === 'running', 'the server starts');
    return Promise.resolve();
  }

  cutBinlogBefore(count: number): Promise<void> {
    const transaction = this.#bridge?.transactions[count - 1];
    assert(transaction !== undefined, `the bridge received a transaction ${count}`);
    const { file, start } = transaction;
    this.#mysqld.disk.truncateBinlog(file, start);
    return Promise.resolve();
  }

  upstream(statement: SimStatement): Promise<void> {
    this.#upstream.commit(statement);
    this.#feed();
    return Promise.resolve();
  }

  upstreamIsOwn(): void {
    this.#upstream = new Upstream({ serverUuid, serverId });
  }

  async caughtUp(): Promise<void> {
    if (!this.#isFollowing) {
      await this.connect('follower');
      await this.ask('follower', { kind: 'follow' });
    }
    assert(this.#upstream.committed.isSubsetOf(this.#executed()), 'all of the source is applied');
  }

  applierWaits(): Promise<void> {
    assert(!this.#upstream.committed.isSubsetOf(this.#executed()), 'not all is applied');
    return Promise.resolve();
  }

  async untilReplica(half: 'receiver' | 'applier', state: string): Promise<void> {
    await this.connect(`asker of ${half}`);
    const answer = await this.ask(`asker of ${half}`, { kind: 'replica-status' });
    const row = answer.kind === 'rows' ? answer.rows.find(([name]) => name === half) : undefined;
    assert(row?.[1] === state, `the ${half} is ${row?.[1]}`);
  }

  /** Asked on a session of its own, as the drivers' questions must wait for nobody. */
  #executed(): GtidSet {
    this.#lastSession += 1;
    const session = this.#lastSession;
    this.#step({ kind: 'connect', session, isAdmin: true });
    const call = new SimCall(() => undefined);
    this.#calls.set(session, call);
    // While a log-in is held up, the newest session that has nothing to do is asked.
    const asked = this.#connected.has(session) ? session : this.#idleSession();
    this.#calls.set(asked, call);
    this.#step({ kind: 'statement', session: asked, statement: { kind: 'gtid-executed' } });
    assert(call.result !== null && call.result !== 'closed', '@@gtid_executed does not wait');
    return Gtids.parse(call.result.kind === 'value' ? call.result.value : '');
  }

  #idleSession(): number {
    const idle = [...this.#connected].findLast((session) => !this.#isBusy(session));
    assert(idle !== undefined, 'a session has nothing to do');
    return idle;
  }

  #isBusy(session: number): boolean {
    return this.#dumps.has(session) || this.#calls.get(session)?.isAnswered === false;
  }

  #attach({ isSemisync, excludes, name }: AttachOptions): SimDump {
    this.#lastSession += 1;
    const session = this.#lastSession;
    this.#step({ kind: 'connect', session, isAdmin: true });
    const exclude = excludes === 'executed' ? this.#executed() : new Gtids();
    const dump = new SimDump(
      {
        session,
        ack: (position) => this.#step({ kind: 'ack', session, position }),
        close: () => {
          this.#step({ kind: 'disconnect', session });
          this.#runOutTimers();
        },
        nameOf: (gtid) => {
          const names = { own: serverUuid, source: this.#upstream.serverUuid, base: 0n };
          return executedWords(Gtids.of(gtid), names);
        },
      },
      isSemisync,
    );
    this.#dumps.set(session, dump);
    const request = { exclude, isSemisync, replicaUuid: name };
    this.#step({ kind: 'dump', session, request });
    return dump;
  }

  #step(first: SimMysqlInput): void {
    const inputs: SimMysqlInput[] = [first];
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const effect of this.#mysqld.step(input)) {
        if (effect.kind === 'work') inputs.push({ kind: 'done', id: effect.id });
        else this.#take(effect);
      }
      if (this.#acknowledgesAll) this.#acknowledgeBridge();
    }
  }

  #take(effect: SimMysqlEffect): void {
    switch (effect.kind) {
      case 'timer':
        // The heartbeat by which a lost replica is noticed comes before anybody asks.
        this.#timers.push(effect.id);
        return;
      case 'connected':
        this.#connected.add(effect.session);
        return;
      case 'answer':
        this.#settle(effect.session, effect.answer);
        return;
      case 'closed':
        this.#close(effect.session);
        return;
      case 'events':
        this.#dumps.get(effect.session)?.receive(effect.pieces);
        return;
      case 'dump-refused':
        this.#dumps.get(effect.session)?.end(String(effect.number));
        return;
      case 'exited':
        for (const session of this.#connected) this.#close(session);
        this.#timers = [];
        this.#source = null;
        this.#isFollowing = false;
        return;
      case 'source-connect':
        this.#connectSource(effect.connection, effect.exclude);
        return;
      case 'source-close':
        this.#source = null;
        return;
      default:
        return;
    }
  }

  #settle(session: number, result: SimAnswer | 'closed'): void {
    const call = this.#calls.get(session);
    if (call === undefined || call.isAnswered) return;
    call.result = result;
  }

  #close(session: number): void {
    this.#connected.delete(session);
    this.#settle(session, 'closed');
    this.#dumps.get(session)?.end('closed');
    this.#dumps.delete(session);
  }

  #runOutTimers(): void {
    const timers = this.#timers;
    this.#timers = [];
    for (const id of timers) this.#step({ kind: 'done', id });
  }

  #acknowledgeBridge(): void {
    const bridge = this.#bridge;
    if (bridge !== null) bridge.ackAll();
  }

  #connectSource(connection: number, exclude: GtidSet): void {
    this.#source = { connection, sent: exclude.clone() };
    this.#step({ kind: 'source-connected', connection });
    const next = { file: 'source.000001', offset: 4n };
    const event = buildArtificialRotate(next, 7);
    this.#step({ kind: 'source-event', connection, event });
    this.#feed();
  }

  #feed(): void {
    const source = this.#source;
    if (source === null) return;
    for (const { gtid, events } of this.#upstream.transactions) {
      if (source.sent.has(gtid)) continue;
      source.sent.add(gtid);
      for (const event of events) {
        this.#step({ kind: 'source-event', connection: source.connection, event });
      }
    }
  }
}

import { expect, test } from 'vitest';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { SimMysqlEffect } from './effects.ts';
import type { SimMysqlInput } from './inputs.ts';
import { SimMysqld, type SimMysqldOptions } from './sim-mysqld.ts';
import type { SimAnswer, SimStatement } from './statements.ts';
import { Upstream } from './upstream.ts';

// What the cases do not reach, since a real server does not stop between two steps.

const serverUuid = 'aaaaaaaa-0000-0000-0000-000000000001';

/** A server whose work is done when a test says so. */
class SteppedServer {
  readonly mysqld: SimMysqld;
  readonly effects: SimMysqlEffect[] = [];
  readonly #work: { readonly id: number; readonly work: string }[] = [];

  constructor(options: Partial<SimMysqldOptions> = {}) {
    this.mysqld = new SimMysqld({ serverId: 1, serverUuid, ...options });
  }

  step(input: SimMysqlInput): readonly SimMysqlEffect[] {
    const effects = this.mysqld.step(input);
    for (const effect of effects) if (effect.kind === 'work') this.#work.push(effect);
    this.effects.push(...effects);
    return effects;
  }

  /** Ends the work that has begun, oldest first, until nothing is left or the next is of this kind. */
  work(before: string | null = null): void {
    while (this.#work.length > 0 && this.#work[0]?.work !== before) {
      const next = this.#work.shift();
      if (next !== undefined) this.step({ kind: 'done', id: next.id });
    }
  }

  /** The same, but what began last is done first. */
  workNewestFirst(): void {
    for (let next = this.#work.pop(); next !== undefined; next = this.#work.pop())
      this.step({ kind: 'done', id: next.id });
  }

  /** Sessions whose connections the server closes at this. */
  closedBy(input: SimMysqlInput): readonly number[] {
    return this.step(input).flatMap((effect) => (effect.kind === 'closed' ? [effect.session] : []));
  }

  get errors(): readonly number[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'answer' && effect.answer.kind === 'error' ? [effect.answer.number] : [],
    );
  }

  say(session: number, statement: SimStatement): void {
    this.step({ kind: 'statement', session, statement });
  }

  answerOf(session: number): SimAnswer | null {
    const answers = this.effects.filter(
      (effect) => effect.kind === 'answer' && effect.session === session,
    );
    const last = answers.at(-1);
    return last?.kind === 'answer' ? last.answer : null;
  }

  /** Started, writable without acks, with the table `t`. */
  static ready(options: Partial<SimMysqldOptions> = {}): SteppedServer {
    const server = new SteppedServer(options);
    server.step({ kind: 'start' });
    server.work();
    server.step({ kind: 'connect', session: 1, isAdmin: true });
    const settings = { readOnly: false, semisyncEnabled: false };
    server.say(1, { kind: 'set-global', settings });
    server.work();
    server.say(1, { kind: 'create-table', table: 't' });
    server.work();
    return server;
  }
}

function insert(key: string): SimStatement {
  return { kind: 'write', table: 't', changes: [{ kind: 'insert', key, value: '1' }] };
}

test('a stopped process does nothing until it goes on; then it does what came meanwhile; a kill it does not wait for', () => {
  const server = SteppedServer.ready();
  server.step({ kind: 'pause' });
  server.say(1, insert('a'));
  server.work();
  expect(server.mysqld.isPaused).toBe(true);
  expect(server.mysqld.disk.engine.current('t', 'a')).toBeNull();

  server.step({ kind: 'resume' });
  server.work();
  expect(server.answerOf(1)).toMatchObject({ kind: 'ok', affected: 1 });

  server.step({ kind: 'pause' });
  const effects = server.step({ kind: 'kill' });
  expect(effects).toEqual([{ kind: 'exited', why: 'killed' }]);
  expect(server.mysqld.state).toBe('stopped');
});

test('killed between the binlog and its sync it has the transaction, killed by a power cut it may not', () => {
  for (const [binlogBytesKept, found] of [
    [0, null],
    [100, null],
    [10_000, '1'],
  ] as const) {
    const server = SteppedServer.ready();
    server.say(1, insert('a'));
    server.work('binlog-sync');
    server.step({ kind: 'power-cut', binlogBytesKept, redoRecordsKept: 0 });
    server.work();
    server.step({ kind: 'start' });
    server.work();
    expect(server.mysqld.disk.engine.current('t', 'a')).toBe(found);
    expect(server.mysqld.disk.engine.gtids.count).toBe(found === null ? 1n : 2n);
  }
});

test('a replica that does not sync its redo log loses the newest transactions in a power cut, GTIDs with them', () => {
  const upstream = new Upstream({
    serverUuid: 'eeeeeeee-0000-0000-0000-000000000001',
    serverId: 7,
  });
  const replica = new SteppedServer();
  replica.step({ kind: 'start' });
  replica.work();
  replica.step({ kind: 'connect', session: 1, isAdmin: true });
  replica.say(1, { kind: 'set-global', settings: { flushLogAtCommit: 2 } });
  replica.work();
  replica.say(1, { kind: 'follow' });
  replica.work();
  const connect = replica.effects.find((effect) => effect.kind === 'source-connect');
  const connection = connect?.kind === 'source-connect' ? connect.connection : 0;
  upstream.commit({ kind: 'create-table', table: 't' });
  for (const key of ['a', 'b', 'c']) upstream.commit(insert(key));
  for (const event of upstream.transactions.flatMap(({ events }) => events)) {
    replica.step({ kind: 'source-event', connection, event });
  }
  replica.work();
  expect(replica.mysqld.disk.engine.gtids.count).toBe(4n);

  replica.step({ kind: 'power-cut', binlogBytesKept: 0, redoRecordsKept: 2 });
  replica.step({ kind: 'start' });
  replica.work();

  expect(replica.mysqld.disk.engine.gtids.count).toBe(2n);
  expect(replica.mysqld.disk.engine.scan('t', null)).toEqual([['a', '1']]);
});

test('workers apply what is independent at once, and commit in the order of the source, whichever is done first', () => {
  const source = SteppedServer.ready({ serverId: 7 });
  for (const session of [2, 3]) source.step({ kind: 'connect', session });
  source.say(2, insert('a'));
  source.say(3, insert('b'));
  source.work();
  const replica = new SteppedServer();
  const transactions = follow(replica, source);
  expect(transactions).toBe(3);

  const [table, ...applies] = replica.effects.filter(
    (effect) => effect.kind === 'work' && effect.work === 'apply',
  );
  expect(table).toBeDefined();
  expect(applies).toHaveLength(2);
  for (const effect of applies.toReversed()) {
    if (effect.kind === 'work') replica.step({ kind: 'done', id: effect.id });
  }
  replica.work();

  const committed = replica.effects.flatMap((effect) =>
    effect.kind === 'committed' ? [effect.gtid?.number] : [],
  );
  expect(committed).toEqual([1n, 2n, 3n]);
});

test('the transaction that the connection broke off in is dropped, and asked for again', () => {
  const upstream = new Upstream({
    serverUuid: 'eeeeeeee-0000-0000-0000-000000000001',
    serverId: 7,
  });
  upstream.commit({ kind: 'create-table', table: 't' });
  upstream.commit(insert('a'));
  const replica = new SteppedServer();
  replica.step({ kind: 'start' });
  replica.work();
  replica.step({ kind: 'connect', session: 1 });
  replica.say(1, { kind: 'follow' });
  replica.work();
  const events = upstream.transactions.flatMap(({ events: ofOne }) => ofOne);
  for (const event of events.slice(0, -1)) {
    replica.step({ kind: 'source-event', connection: 1, event });
  }
  replica.work();
  const [timer] = replica.step({ kind: 'source-lost', connection: 1, error: null });
  expect(timer).toMatchObject({ kind: 'timer', timer: 'connect-retry', ms: 1000 });
  const [again] = replica.step({ kind: 'done', id: timer?.kind === 'timer' ? timer.id : 0 });
  expect(again).toMatchObject({ kind: 'source-connect', connection: 2 });
  const exclude = again?.kind === 'source-connect' ? again.exclude : new GtidSet();
  expect(exclude.toString()).toBe('eeeeeeee-0000-0000-0000-000000000001:1');
  for (const event of upstream.transactions[1]?.events ?? []) {
    replica.step({ kind: 'source-event', connection: 2, event });
  }
  replica.work();
  expect(replica.mysqld.disk.engine.current('t', 'a')).toBe('1');
});

test('an event of the scheduler runs while that is on', () => {
  const server = SteppedServer.ready();
  server.step({ kind: 'event-due', statement: insert('off') });
  server.work();
  server.say(1, { kind: 'set-global', settings: { eventScheduler: true } });
  server.work();
  server.step({ kind: 'event-due', statement: insert('on') });
  server.work();
  expect(server.mysqld.disk.engine.scan('t', null)).toEqual([['on', '1']]);
});

test('a file that is full is rotated, once nothing is prepared, and the dump goes on in the next', () => {
  const server = SteppedServer.ready({ binlogBytesMax: 1000 });
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
    server.say(1, insert(key));
    server.work();
  }
  const { all } = server.mysqld.disk.binlog;
  expect(all.map(({ name }) => name)).toEqual([1, 2, 3].map((number) => `binlog.00000${number}`));
  expect(all.map(({ isInUse }) => isInUse)).toEqual([false, false, true]);
  server.step({ kind: 'connect', session: 9 });
  const request = { exclude: new GtidSet(), isSemisync: false, replicaUuid: 'x' };
  const [effect] = server.step({ kind: 'dump', session: 9, request });
  // Three files, each begun by ROTATE, FORMAT_DESCRIPTION and PREVIOUS_GTIDS, two ended by ROTATE; a DDL of 2 events, 6 × 5.
  const events = effect?.kind === 'events' ? effect.pieces.filter(({ isLast }) => isLast) : [];
  expect(events).toHaveLength(3 * 3 + 2 + 2 + 6 * 5);
});

test('with the wait behind the engine commit others see the row before its ack', () => {
  const server = SteppedServer.ready();
  const settings = { semisyncEnabled: true, semisyncWaitPoint: 'AFTER_COMMIT' } as const;
  server.say(1, { kind: 'set-global', settings });
  server.work();
  server.say(1, insert('a'));
  server.work();
  expect(server.mysqld.disk.engine.current('t', 'a')).toBe('1');
  expect(server.answerOf(1)).toMatchObject({ affected: 0 });
});

test('without a replica to wait for, and told not to, commits pass and are counted', () => {
  const server = SteppedServer.ready();
  const settings = { semisyncEnabled: true, semisyncWaitsWithoutReplica: false };
  server.say(1, { kind: 'set-global', settings });
  server.work();
  server.say(1, insert('a'));
  server.work();
  server.say(1, { kind: 'semisync-status' });
  server.work();
  const answer = server.answerOf(1);
  const rows = answer?.kind === 'rows' ? Object.fromEntries(answer.rows) : {};
  expect(rows).toMatchObject({ status: 'OFF', no_tx: '1', clients: '0' });
});

test('a shutdown closes idle connections at once, and releases what waits for an ack only with the dumps, seconds later', () => {
  const server = SteppedServer.ready();
  for (const session of [2, 9]) server.step({ kind: 'connect', session });
  const request = { exclude: new GtidSet(), isSemisync: true, replicaUuid: 'x' };
  server.step({ kind: 'dump', session: 9, request });
  server.say(1, { kind: 'set-global', settings: { semisyncEnabled: true } });
  server.work();
  server.say(1, insert('a'));
  server.work();

  const closedAtOnce = server.closedBy({ kind: 'shutdown' });
  server.work();
  const answerAtOnce = server.answerOf(1);
  const timer = server.effects.findLast((effect) => effect.kind === 'timer');
  const closedLater = server.closedBy({ kind: 'done', id: timer?.id ?? 0 });
  server.work();

  expect(closedAtOnce).toEqual([2]);
  expect(answerAtOnce).toMatchObject({ affected: 0 });
  expect(timer).toMatchObject({ timer: 'end-dumps', ms: 8600 });
  expect(closedLater).toEqual([9]);
  expect(server.answerOf(1)).toMatchObject({ kind: 'ok', affected: 1 });
});

test('a COMMIT that a KILL meets before it is in the pipeline is rolled back', () => {
  const server = SteppedServer.ready();
  server.step({ kind: 'connect', session: 2 });
  server.say(1, { kind: 'begin', isReadOnly: false });
  server.work();
  server.say(1, insert('a'));
  server.work();

  server.say(1, { kind: 'commit' });
  server.say(2, { kind: 'kill', session: 1, what: 'query' });
  server.workNewestFirst();
  server.say(1, { kind: 'begin', isReadOnly: false });
  server.work();

  expect(server.errors).toEqual([3100]);
  expect(server.mysqld.disk.engine.current('t', 'a')).toBe(null);
});

/** Feeds a replica all that a source has; answers how many transactions. */
function follow(replica: SteppedServer, source: SteppedServer): number {
  replica.step({ kind: 'start' });
  replica.work();
  replica.step({ kind: 'connect', session: 1 });
  replica.say(1, { kind: 'follow' });
  replica.work();
  source.step({ kind: 'connect', session: 9 });
  const request = { exclude: new GtidSet(), isSemisync: false, replicaUuid: 'x' };
  const [effect] = source.step({ kind: 'dump', session: 9, request });
  const pieces = effect?.kind === 'events' ? effect.pieces.filter(({ isFirst }) => !isFirst) : [];
  let transactions = 0;
  for (const { bytes } of pieces) {
    if (bytes[4] === 33) transactions += 1;
    // The table first, so that what comes behind it may begin.
    replica.step({ kind: 'source-event', connection: 1, event: bytes });
    if (transactions === 1) replica.work();
  }
  return transactions;
}

import {
  askAcknowledged,
  binlogPlace,
  fieldOf,
  type ModelCase,
  prepareTable,
  say,
  words,
} from './mysql-under-test.ts';

// Turning a server read-only, and what takes the commit gate away (FACTS §2).

const readOnly = { kind: 'set-global', settings: { superReadOnly: true } } as const;
const writable = { kind: 'set-global', settings: { readOnly: false } } as const;

export const settingCases: readonly ModelCase[] = [
  {
    name: 'super_read_only waits for a change that waits for its ack, and holds up new ones, not the commit of an open transaction; an administrator gets in between read_only and it',
    expected: [
      'change: ok 1',
      'commit: ok 0',
      'read-only: ok 0',
      'held up: ok 1',
      'seen: rows a=1 n=1 o=1',
      'afterwards: error 1290',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['open', 'change', 'admin', 'new']) await mysql.connect(name);
      await mysql.ask('open', { kind: 'begin' });
      await mysql.ask('open', say.insert('t', 'o'));
      const change = await mysql.begin('change', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const turning = await mysql.begin('admin', readOnly);
      const heldUp = await mysql.begin('new', say.insert('t', 'n'));
      const commit = await mysql.begin('open', { kind: 'commit' });
      await mysql.bridge.received(3);
      await mysql.stillWaits(turning);
      await mysql.stillWaits(heldUp);
      mysql.acknowledgeAll(true);
      note(`change: ${words(await change.answer())}`);
      note(`commit: ${words(await commit.answer())}`);
      note(`read-only: ${words(await turning.answer())}`);
      note(`held up: ${words(await heldUp.answer())}`);
      note(`seen: ${words(await mysql.ask('admin', say.scan('t')))}`);
      note(`afterwards: ${words(await mysql.ask('change', say.insert('t', 'z')))}`);
    },
  },
  {
    name: 'super_read_only waits for a COMMIT that waits for its ack; KILL QUERY takes the attempt back',
    expected: ['attempt: error 1317', 'commit: ok 0', 'next: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'admin', 'killer']) await mysql.connect(name);
      await mysql.ask('writer', { kind: 'begin' });
      await mysql.ask('writer', say.insert('t', 'a'));
      const commit = await mysql.begin('writer', { kind: 'commit' });
      await mysql.bridge.received(2);
      const turning = await mysql.begin('admin', readOnly);
      const session = mysql.sessionNumber('admin');
      await mysql.stillWaits(turning);
      await mysql.ask('killer', { kind: 'kill', session, what: 'query' });
      note(`attempt: ${words(await turning.answer())}`);
      mysql.acknowledgeAll(true);
      note(`commit: ${words(await commit.answer())}`);
      note(`next: ${words(await mysql.ask('writer', say.insert('t', 'b')))}`);
    },
  },
  {
    name: 'an open transaction cannot commit on a server that became read-only: it is rolled back',
    expected: ['commit: error 1290', 'seen: rows', 'again: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'admin']) await mysql.connect(name);
      await mysql.ask('writer', { kind: 'begin' });
      await mysql.ask('writer', say.insert('t', 'a'));
      await mysql.ask('admin', readOnly);
      note(`commit: ${words(await mysql.ask('writer', { kind: 'commit' }))}`);
      note(`seen: ${words(await mysql.ask('admin', say.scan('t')))}`);
      await mysql.ask('admin', writable);
      mysql.acknowledgeAll(true);
      note(`again: ${words(await mysql.ask('writer', say.insert('t', 'a')))}`);
    },
  },
  {
    name: 'a read-only server refuses changes, DDL, accounts and FOR UPDATE, and answers reads, FOR SHARE too',
    expected: [
      'write: error 1290',
      'table: error 1290',
      'account: error 1290',
      'read: rows a=1',
      'for share: rows a=1',
      'for update: error 1290',
      'empty commit: ok 0',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['writer', 'admin']) await mysql.connect(name);
      await mysql.ask('writer', say.insert('t', 'a'));
      await mysql.ask('admin', readOnly);
      note(`write: ${words(await mysql.ask('writer', say.insert('t', 'b')))}`);
      note(`table: ${words(await mysql.ask('writer', say.createTable('other')))}`);
      note(`account: ${words(await mysql.ask('writer', { kind: 'create-user', user: 'u' }))}`);
      await mysql.ask('writer', { kind: 'begin' });
      const read = { kind: 'read', table: 't', keys: ['a', 'b'] } as const;
      note(`read: ${words(await mysql.ask('writer', read))}`);
      for (const lock of ['share', 'update'] as const) {
        note(`for ${lock}: ${words(await mysql.ask('writer', { ...read, lock }))}`);
      }
      note(`empty commit: ${words(await mysql.ask('writer', { kind: 'commit' }))}`);
    },
  },
  {
    name: 'semisync switched off by an administrator releases what waits, counts the first group as not acknowledged',
    expected: [
      'first: ok 1',
      'second: ok 1',
      'status: OFF, not acknowledged: 1',
      'after: ok 1',
      'on again: ON',
      'third: ok 1',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'second', 'admin']) await mysql.connect(name);
      const first = await mysql.begin('first', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const second = await mysql.begin('second', say.insert('t', 'b'));
      await mysql.bridge.received(3);
      const noTransactions = await statusOf(mysql, 'no_tx');
      await mysql.ask('admin', { kind: 'set-global', settings: { semisyncEnabled: false } });
      note(`first: ${words(await first.answer())}`);
      note(`second: ${words(await second.answer())}`);
      const bypassed = Number(await statusOf(mysql, 'no_tx')) - Number(noTransactions);
      note(`status: ${await statusOf(mysql, 'status')}, not acknowledged: ${bypassed}`);
      note(`after: ${words(await mysql.ask('first', say.insert('t', 'c')))}`);
      await mysql.ask('admin', { kind: 'set-global', settings: { semisyncEnabled: true } });
      note(`on again: ${await statusOf(mysql, 'status')}`);
      const third = await mysql.begin('second', say.insert('t', 'd'));
      await mysql.bridge.received(5);
      await mysql.stillWaits(third);
      mysql.bridge.ack(5);
      note(`third: ${words(await third.answer())}`);
    },
  },
  {
    name: 'the ack of any other semisync replica releases a commit, too',
    expected: ['clients: 2', 'answer: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'admin']) await mysql.connect(name);
      const other = await mysql.attach({ isSemisync: true, excludes: 'executed', name: 'other' });
      note(`clients: ${await statusOf(mysql, 'clients')}`);
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      await other.received(1);
      await mysql.stillWaits(call);
      other.ack(1);
      note(`answer: ${words(await call.answer())}`);
      await other.close();
    },
  },
  {
    name: 'a dump of the same replica ends the one before it',
    expected: ['ended: 1236', 'answer: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('writer');
      const first = await mysql.attach({ isSemisync: false, excludes: 'executed', name: 'twin' });
      const second = await mysql.attach({ isSemisync: false, excludes: 'executed', name: 'twin' });
      note(`ended: ${await first.ended()}`);
      mysql.acknowledgeAll(true);
      note(`answer: ${words(await mysql.ask('writer', say.insert('t', 'a')))}`);
      await second.received(1);
      await second.close();
    },
  },
  {
    name: 'without a replica a commit waits all the same; one that attaches gets it, and its ack releases it',
    expected: ['received: own+2 asks', 'answer: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('writer');
      await mysql.killDump();
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.stillWaits(call);
      const next = await mysql.attach({ isSemisync: true, excludes: 'executed', name: 'next' });
      const [received] = await next.received(1);
      note(`received: ${received?.gtid} ${received?.needsAck ? 'asks' : 'asks not'}`);
      next.ack(1);
      note(`answer: ${words(await call.answer())}`);
      await next.close();
    },
  },
  {
    name: 'RESET BINARY LOGS AND GTIDS waits for what waits; then GTIDs are gone, rows are not, and numbers begin anew',
    expected: ['writer: ok 1', 'reset: ok 0', 'executed: ', 'seen: rows a=1', 'next: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'admin', 'reader']) await mysql.connect(name);
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const reset = await mysql.begin('admin', { kind: 'reset-binary-logs' });
      await mysql.stillWaits(reset);
      await mysql.stillWaits(call);
      mysql.bridge.ack(2);
      note(`writer: ${words(await call.answer())}`);
      note(`reset: ${words(await reset.answer())}`);
      note(`executed: ${words(await mysql.ask('reader', { kind: 'gtid-executed' }))}`);
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
      const next = await mysql.attach({ isSemisync: true, excludes: 'nothing', name: 'anew' });
      const write = await mysql.begin('writer', say.insert('t', 'b'));
      await next.received(1);
      next.ack(1);
      note(`next: ${words(await write.answer())}`);
      await next.close();
    },
  },
  {
    name: 'a dump of the first file waits through RESET at its old place, and commits wait with it; what outgrows that place ends it',
    beginsEmpty: true,
    expected: [
      'reset: ok 0',
      'received: 2',
      'the binlog ends in front of what was sent: true',
      'received: 2',
      'ended: 1236',
      'first: ok 1',
      'second: ok 1',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'other', 'admin']) await mysql.connect(name);
      await askAcknowledged(mysql, 'writer', say.insert('t', 'a'));
      const sent = await binlogPlace(mysql, 'admin');
      note(`reset: ${words(await mysql.ask('admin', { kind: 'reset-binary-logs' }))}`);
      const first = await mysql.begin('writer', say.insert('t', 'b'));
      await mysql.stillWaits(first);
      note(`received: ${(await mysql.bridge.received(0)).length}`);
      const isInFront = (await binlogPlace(mysql, 'admin')).position < sent.position;
      note(`the binlog ends in front of what was sent: ${isInFront}`);
      const second = await mysql.begin('other', say.insert('t', 'c'));
      const ended = await mysql.bridge.ended();
      note(`received: ${(await mysql.bridge.received(0)).length}`);
      note(`ended: ${ended}`);
      await mysql.stillWaits(first);
      await mysql.stillWaits(second);
      const next = await mysql.attach({ isSemisync: true, excludes: 'nothing', name: 'anew' });
      await next.received(2);
      next.ack(2);
      note(`first: ${words(await first.answer())}`);
      note(`second: ${words(await second.answer())}`);
      await next.close();
    },
  },
  {
    name: 'RESET ends a dump of a later file with error 1236, and what commits then waits',
    expected: ['ended: 1236', 'received: 2', 'write: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'admin']) await mysql.connect(name);
      await mysql.ask('admin', { kind: 'flush-binary-logs' });
      await askAcknowledged(mysql, 'writer', say.insert('t', 'a'));
      await mysql.ask('admin', { kind: 'reset-binary-logs' });
      const write = await mysql.begin('writer', say.insert('t', 'b'));
      note(`ended: ${await mysql.bridge.ended()}`);
      note(`received: ${(await mysql.bridge.received(0)).length}`);
      await mysql.stillWaits(write);
      const next = await mysql.attach({ isSemisync: true, excludes: 'nothing', name: 'anew' });
      await next.received(1);
      next.ack(1);
      note(`write: ${words(await write.answer())}`);
      await next.close();
    },
  },
  {
    name: 'that a session turned its binlog off is remembered until the server ends, whatever becomes of the session',
    expected: [
      'before: missing',
      'refused: error 1694',
      'within a transaction: missing',
      'after: yes',
      'its session is gone: yes',
      'after a kill: missing',
    ],
    async run(mysql, note) {
      for (const name of ['admin', 'unlogged']) await mysql.connect(name);
      note(`before: ${await statusOf(mysql, 'was_log_bin_off')}`);
      await mysql.ask('unlogged', { kind: 'begin' });
      const refused = await mysql.ask('unlogged', { kind: 'set-log-bin', isOn: false });
      note(`refused: ${words(refused)}`);
      note(`within a transaction: ${await statusOf(mysql, 'was_log_bin_off')}`);
      await mysql.ask('unlogged', { kind: 'rollback' });
      await mysql.ask('unlogged', { kind: 'set-log-bin', isOn: false });
      note(`after: ${await statusOf(mysql, 'was_log_bin_off')}`);
      await mysql.disconnect('unlogged');
      note(`its session is gone: ${await statusOf(mysql, 'was_log_bin_off')}`);
      await mysql.kill();
      await mysql.startOnly();
      await mysql.connect('admin');
      note(`after a kill: ${await statusOf(mysql, 'was_log_bin_off')}`);
    },
  },
];

async function statusOf(mysql: Parameters<ModelCase['run']>[0], name: string): Promise<string> {
  const answer = await mysql.ask('admin', { kind: 'semisync-status' });
  return fieldOf(answer, name);
}

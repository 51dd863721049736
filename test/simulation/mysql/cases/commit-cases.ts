import {
  binlogPlace,
  type ModelCase,
  prepareTable,
  say,
  untilExecuted,
  words,
} from './mysql-under-test.ts';

// What waits while a transaction waits for its ack, and what releases it (FACTS §2).

export const commitCases: readonly ModelCase[] = [
  {
    name: 'a commit waits for its ack, unseen, and not in gtid_executed; then all see it',
    expected: [
      'before: rows',
      'executed before: own+1',
      'received: own+2 asks 276',
      'answer: ok 1',
      'after: rows a=1',
      'executed after: own+1-2',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('writer');
      await mysql.connect('reader');
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      note(`before: ${words(await mysql.ask('reader', say.scan('t')))}`);
      note(`executed before: ${await mysql.executed()}`);
      const last = (await mysql.bridge.received(2)).at(-1);
      note(`received: ${last?.gtid} ${last?.needsAck ? 'asks' : 'asks not'} ${last?.bytes}`);
      await mysql.stillWaits(call);
      mysql.bridge.ack(2);
      note(`answer: ${words(await call.answer())}`);
      note(`after: ${words(await mysql.ask('reader', say.scan('t')))}`);
      note(`executed after: ${await mysql.executed()}`);
    },
  },
  {
    name: 'KILL QUERY of a waiting session changes nothing: it waits on, and is answered OK',
    expected: ['kill: ok 0', 'seen: rows', 'answer: ok 1', 'seen: rows a=1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('writer');
      await mysql.connect('reader');
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      const session = mysql.sessionNumber('writer');
      note(`kill: ${words(await mysql.ask('reader', { kind: 'kill', session, what: 'query' }))}`);
      await mysql.stillWaits(call);
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
      await mysql.bridge.received(2);
      mysql.bridge.ack(2);
      note(`answer: ${words(await call.answer())}`);
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
    },
  },
  {
    name: 'KILL of a waiting session closes its connection; the commit waits on and comes through',
    expected: ['answer: closed', 'seen: rows', 'executed: own+1', 'seen: rows a=1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('writer');
      await mysql.connect('reader');
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      const session = mysql.sessionNumber('writer');
      await mysql.ask('reader', { kind: 'kill', session, what: 'connection' });
      note(`answer: ${words(await call.answer())}`);
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.bridge.received(2);
      mysql.bridge.ack(2);
      await untilExecuted(mysql, 'own+1-2');
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
    },
  },
  {
    name: 'later commits are flushed and sent while one waits; together they then wait for the ack of the last',
    expected: [
      'received: own+2 asks, own+3 asks, own+4 asks',
      'first: ok 1',
      'seen: rows a=1',
      'second: ok 1',
      'third: ok 1',
      'seen: rows a=1 b=1 c=1',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'second', 'third', 'reader']) await mysql.connect(name);
      const first = await mysql.begin('first', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const second = await mysql.begin('second', say.insert('t', 'b'));
      await mysql.bridge.received(3);
      const third = await mysql.begin('third', say.insert('t', 'c'));
      const received = (await mysql.bridge.received(4)).slice(1);
      const asks = received.map(({ gtid, needsAck }) => `${gtid} asks${needsAck ? '' : ' not'}`);
      note(`received: ${asks.join(', ')}`);
      mysql.bridge.ack(2);
      note(`first: ${words(await first.answer())}`);
      mysql.bridge.ack(3);
      await mysql.stillWaits(second);
      await mysql.stillWaits(third);
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
      mysql.bridge.ack(4);
      note(`second: ${words(await second.answer())}`);
      note(`third: ${words(await third.answer())}`);
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
    },
  },
  {
    name: 'an ack of a later transaction releases all before it',
    expected: ['first: ok 1', 'second: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'second']) await mysql.connect(name);
      const first = await mysql.begin('first', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const second = await mysql.begin('second', say.insert('t', 'b'));
      await mysql.bridge.received(3);
      mysql.bridge.ack(3);
      note(`first: ${words(await first.answer())}`);
      note(`second: ${words(await second.answer())}`);
    },
  },
  {
    name: 'with sql_log_bin = 0 a commit waits for no ack, passes those that wait, and has no GTID',
    expected: ['unlogged: ok 1', 'seen: rows u=1', 'executed: own+1', 'logged: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['logged', 'unlogged']) await mysql.connect(name);
      const logged = await mysql.begin('logged', say.insert('t', 'a'));
      await mysql.ask('unlogged', { kind: 'set-log-bin', isOn: false });
      note(`unlogged: ${words(await mysql.ask('unlogged', say.insert('t', 'u')))}`);
      note(`seen: ${words(await mysql.ask('unlogged', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.bridge.received(2);
      mysql.bridge.ack(2);
      note(`logged: ${words(await logged.answer())}`);
    },
  },
  {
    name: 'a reader of a table waits behind its DDL that waits for its ack; @@gtid_executed does not',
    expected: ['executed: own+1', 'killed: error 1317', 'ddl: ok 0', 'reader: rows'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['ddl', 'reader', 'impatient', 'admin']) await mysql.connect(name);
      const ddl = await mysql.begin('ddl', { kind: 'alter-table', table: 't', comment: 'later' });
      const reader = await mysql.begin('reader', say.scan('t'));
      const impatient = await mysql.begin('impatient', say.scan('t'));
      note(`executed: ${await mysql.executed()}`);
      const session = mysql.sessionNumber('impatient');
      await mysql.ask('admin', { kind: 'kill', session, what: 'query' });
      note(`killed: ${words(await impatient.answer())}`);
      await mysql.stillWaits(reader);
      await mysql.bridge.received(2);
      mysql.bridge.ack(2);
      note(`ddl: ${words(await ddl.answer())}`);
      note(`reader: ${words(await reader.answer())}`);
    },
  },
  {
    name: 'while CREATE USER waits for its ack nobody can log in, and accounts are changed one at a time',
    expected: ['connected meanwhile: false', 'first: ok 0', 'second: ok 0'],
    async run(mysql, note) {
      for (const name of ['first', 'second']) await mysql.connect(name);
      const first = await mysql.begin('first', { kind: 'create-user', user: 'u1' });
      const logIn = await mysql.connectHeldUp('late');
      const second = await mysql.begin('second', { kind: 'create-user', user: 'u2' });
      await mysql.stillWaits(second);
      note(`connected meanwhile: ${logIn.isConnected}`);
      await mysql.bridge.received(1);
      mysql.acknowledgeAll(true);
      note(`first: ${words(await first.answer())}`);
      note(`second: ${words(await second.answer())}`);
      await logIn.connected();
    },
  },
  {
    name: 'FLUSH BINARY LOGS waits for what waits, and all later commits wait behind it, unflushed',
    expected: [
      'received: 2',
      'first: ok 1',
      'flush: ok 0',
      'received: own+3 asks',
      'behind: ok 1',
      'file: second',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'flush', 'behind', 'admin']) await mysql.connect(name);
      const before = (await binlogPlace(mysql, 'admin')).file;
      const first = await mysql.begin('first', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const flush = await mysql.begin('flush', { kind: 'flush-binary-logs' });
      const behind = await mysql.begin('behind', say.insert('t', 'b'));
      await mysql.stillWaits(behind);
      await mysql.stillWaits(flush);
      note(`received: ${(await mysql.bridge.received(2)).length}`);
      mysql.bridge.ack(2);
      note(`first: ${words(await first.answer())}`);
      note(`flush: ${words(await flush.answer())}`);
      const last = (await mysql.bridge.received(3)).at(-1);
      note(`received: ${last?.gtid} ${last?.needsAck ? 'asks' : 'asks not'}`);
      mysql.bridge.ack(3);
      note(`behind: ${words(await behind.answer())}`);
      note(
        `file: ${(await binlogPlace(mysql, 'admin')).file === before + 1 ? 'second' : 'another'}`,
      );
    },
  },
  {
    name: 'KILL QUERY of a waiting FLUSH BINARY LOGS: it waits on and rotates, and only its answer is an error',
    expected: ['first: ok 1', 'flush: error 1317', 'file: second'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'flush', 'admin']) await mysql.connect(name);
      const before = (await binlogPlace(mysql, 'admin')).file;
      const first = await mysql.begin('first', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const flush = await mysql.begin('flush', { kind: 'flush-binary-logs' });
      const session = mysql.sessionNumber('flush');
      await mysql.ask('admin', { kind: 'kill', session, what: 'query' });
      await mysql.stillWaits(flush);
      mysql.bridge.ack(2);
      note(`first: ${words(await first.answer())}`);
      note(`flush: ${words(await flush.answer())}`);
      note(
        `file: ${(await binlogPlace(mysql, 'admin')).file === before + 1 ? 'second' : 'another'}`,
      );
    },
  },
];

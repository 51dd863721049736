import {
  binlogPlace,
  fieldOf,
  type ModelCase,
  prepareTable,
  say,
  words,
} from './mysql-under-test.ts';

// The end of a server, and its next start (FACTS §2, HAZARDS G2, G3, H2, H3, H5).

export const crashCases: readonly ModelCase[] = [
  {
    name: 'kill -9 and a plain start: recovery commits what waited for its ack, rows, tables and accounts alike',
    expected: [
      'rows: closed',
      'seen: rows a=1 acked=1',
      'schema: rows table t= user u=',
      'executed: own+1-4',
      'open transaction: gone',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['writer', 'account', 'open']) await mysql.connect(name);
      await mysql.ask('writer', say.insert('t', 'acked'));
      mysql.acknowledgeAll(false);
      await mysql.ask('open', { kind: 'begin' });
      await mysql.ask('open', say.insert('t', 'open'));
      const rows = await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.bridge.received(3);
      await mysql.begin('account', { kind: 'create-user', user: 'u' });
      await mysql.bridge.received(4);
      await mysql.kill();
      note(`rows: ${words(await rows.answer())}`);
      await mysql.start();
      await mysql.connect('after');
      const seen = words(await mysql.ask('after', say.scan('t')));
      note(`seen: ${seen}`);
      note(`schema: ${words(await mysql.ask('after', { kind: 'show-schema' }))}`);
      note(`executed: ${await mysql.executed()}`);
      note(`open transaction: ${seen.includes('open') ? 'there' : 'gone'}`);
    },
  },
  {
    name: 'kill -9 and a cut in front of what waited: rows, tables and accounts behind it are rolled back, their numbers free again',
    expected: ['seen: rows acked=1', 'schema: rows table t=', 'executed: own+1-2', 'next: own+3'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['writer', 'account', 'table']) await mysql.connect(name);
      await mysql.ask('writer', say.insert('t', 'acked'));
      mysql.acknowledgeAll(false);
      await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.bridge.received(3);
      await mysql.begin('account', { kind: 'create-user', user: 'u' });
      await mysql.begin('table', { kind: 'create-table', table: 'other' });
      await mysql.bridge.received(5);
      await mysql.kill();
      await mysql.cutBinlogBefore(3);
      await mysql.start();
      await mysql.connect('after');
      note(`seen: ${words(await mysql.ask('after', say.scan('t')))}`);
      note(`schema: ${words(await mysql.ask('after', { kind: 'show-schema' }))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.begin('after', say.insert('t', 'next'));
      note(`next: ${(await mysql.bridge.received(1)).at(-1)?.gtid}`);
    },
  },
  {
    name: 'ALTER and DROP TABLE that waited are rolled back by the cut, too',
    expected: ['schema: rows table altered= table dropped=', 'seen: rows a=1'],
    async run(mysql, note) {
      await prepareTable(mysql, 'altered');
      mysql.acknowledgeAll(true);
      await mysql.ask('setup', say.createTable('dropped'));
      await mysql.ask('setup', say.insert('dropped', 'a'));
      mysql.acknowledgeAll(false);
      for (const name of ['alter', 'drop']) await mysql.connect(name);
      await mysql.begin('alter', { kind: 'alter-table', table: 'altered', comment: 'gone' });
      await mysql.bridge.received(4);
      await mysql.begin('drop', { kind: 'drop-table', table: 'dropped' });
      await mysql.bridge.received(5);
      await mysql.kill();
      await mysql.cutBinlogBefore(4);
      await mysql.start();
      await mysql.connect('after');
      note(`schema: ${words(await mysql.ask('after', { kind: 'show-schema' }))}`);
      note(`seen: ${words(await mysql.ask('after', say.scan('dropped')))}`);
    },
  },
  {
    name: 'the commit in the engine is in no file before the next flush: killed right behind it, a cut takes even that back',
    expected: ['seen: rows', 'executed: own+1', 'next: own+2'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('writer');
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      mysql.bridge.ack(2);
      await call.answer();
      await mysql.kill();
      await mysql.cutBinlogBefore(2);
      await mysql.start();
      await mysql.connect('after');
      note(`seen: ${words(await mysql.ask('after', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.begin('after', say.insert('t', 'next'));
      note(`next: ${(await mysql.bridge.received(1)).at(-1)?.gtid}`);
    },
  },
  {
    name: 'a cut does not take back what is committed in the redo log: the row stays, and so does its GTID',
    expected: ['seen: rows a=1', 'executed: own+1-2', 'next: own+3'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['writer', 'later']) await mysql.connect(name);
      const call = await mysql.begin('writer', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      mysql.bridge.ack(2);
      await call.answer();
      await mysql.begin('later', say.insert('t', 'b'));
      await mysql.bridge.received(3);
      await mysql.kill();
      await mysql.cutBinlogBefore(2);
      await mysql.start();
      await mysql.connect('after');
      note(`seen: ${words(await mysql.ask('after', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.begin('after', say.insert('t', 'next'));
      note(`next: ${(await mysql.bridge.received(1)).at(-1)?.gtid}`);
    },
  },
  {
    name: 'a polite shutdown commits what waits for its ack, and answers OK; open transactions are rolled back',
    expected: [
      'first: ok 1',
      'second: ok 1',
      'open: error 1053',
      'after: rows a=1 b=1',
      'executed: own+1-3',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'second', 'open', 'holder']) await mysql.connect(name);
      await mysql.ask('holder', { kind: 'begin' });
      await mysql.ask('holder', say.insert('t', 'held'));
      const open = await mysql.begin('open', say.put('t', 'held', '2'));
      const first = await mysql.begin('first', say.insert('t', 'a'));
      await mysql.bridge.received(2);
      const second = await mysql.begin('second', say.insert('t', 'b'));
      await mysql.bridge.received(3);
      await mysql.shutDown();
      note(`first: ${words(await first.answer())}`);
      note(`second: ${words(await second.answer())}`);
      note(`open: ${words(await open.answer())}`);
      await mysql.start();
      await mysql.connect('after');
      note(`after: ${words(await mysql.ask('after', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'a server starts read-only, with the commit gate closed, replication stopped, events off, and another binlog file',
    expected: [
      'files: next',
      'position: 198',
      'after kill: next',
      'write: error 1290',
      'settings: eventScheduler=false readOnly=true semisyncEnabled=true semisyncWaitPoint=AFTER_SYNC superReadOnly=true',
      'semisync: ON, 0 clients',
      'replica: receiver=stopped applier=stopped',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      await mysql.connect('before');
      const first = await binlogPlace(mysql, 'before');
      for (const name of ['setup', 'before']) await mysql.disconnect(name);
      await mysql.shutDown();
      await mysql.startOnly();
      await mysql.connect('between');
      const second = await binlogPlace(mysql, 'between');
      note(`files: ${second.file === first.file + 1 ? 'next' : 'another'}`);
      note(`position: ${second.position}`);
      await mysql.kill();
      await mysql.startOnly();
      await mysql.connect('after');
      const third = await binlogPlace(mysql, 'after');
      note(`after kill: ${third.file === second.file + 1 ? 'next' : 'another'}`);
      note(`write: ${words(await mysql.ask('after', say.insert('t', 'a')))}`);
      const settings = await mysql.ask('after', { kind: 'global-settings' });
      const names = [
        'eventScheduler',
        'readOnly',
        'semisyncEnabled',
        'semisyncWaitPoint',
        'superReadOnly',
      ];
      note(`settings: ${pick(settings, names)}`);
      const semisync = await mysql.ask('after', { kind: 'semisync-status' });
      note(`semisync: ${fieldOf(semisync, 'status')}, ${fieldOf(semisync, 'clients')} clients`);
      const replica = await mysql.ask('after', { kind: 'replica-status' });
      note(`replica: ${pick(replica, ['receiver', 'applier'])}`);
    },
  },
];

type Answer = Awaited<ReturnType<Parameters<ModelCase['run']>[0]['ask']>>;

function pick(answer: Answer, names: readonly string[]): string {
  return names.map((name) => `${name}=${fieldOf(answer, name)}`).join(' ');
}

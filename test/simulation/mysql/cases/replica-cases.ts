import { type ModelCase, say, words } from './mysql-under-test.ts';

// A server that follows (FACTS §3). Its source commits what a simulated server wrote, so a real one reads the model's own bytes.

const readOnly = { kind: 'set-global', settings: { superReadOnly: true } } as const;
export const replicaCases: readonly ModelCase[] = [
  {
    beginsEmpty: true,
    name: 'a replica applies rows, tables and accounts in order, keeps their GTIDs, and writes no binlog of its own',
    expected: [
      'seen: rows a=1,2 c=3',
      'schema: rows table t=note user u=',
      'executed: source:1-8',
      'binlog: unchanged',
    ],
    async run(mysql, note) {
      await mysql.connect('reader');
      await mysql.ask('reader', readOnly);
      const before = words(await mysql.ask('reader', { kind: 'binlog-status' }));
      await mysql.upstream(say.createTable('t'));
      const append = (value: string) =>
        ({ kind: 'write', table: 't', changes: [{ kind: 'append', key: 'a', value }] }) as const;
      await mysql.upstream(append('1'));
      await mysql.upstream(append('2'));
      await mysql.upstream(say.insert('t', 'b'));
      await mysql.upstream({ kind: 'write', table: 't', changes: [{ kind: 'delete', key: 'b' }] });
      await mysql.upstream({ kind: 'alter-table', table: 't', comment: 'note' });
      await mysql.upstream({ kind: 'create-user', user: 'u' });
      await mysql.upstream(say.insert('t', 'c', '3'));
      await mysql.caughtUp();
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
      note(`schema: ${words(await mysql.ask('reader', { kind: 'show-schema' }))}`);
      note(`executed: ${await mysql.executed()}`);
      const after = words(await mysql.ask('reader', { kind: 'binlog-status' }));
      note(`binlog: ${after === before ? 'unchanged' : 'written'}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'what is executed already is not applied again, and a stopped replica goes on where it was',
    expected: ['stopped: rows n=1', 'executed: source:1-2', 'started: rows n=3', 'again: rows n=3'],
    async run(mysql, note) {
      await mysql.connect('reader');
      await mysql.ask('reader', readOnly);
      const add = {
        kind: 'write',
        table: 't',
        changes: [{ kind: 'add', key: 'n', amount: 1 }],
      } as const;
      await mysql.upstream(say.createTable('t'));
      await mysql.upstream(say.insert('t', 'n', '1'));
      await mysql.caughtUp();
      await mysql.ask('reader', { kind: 'stop-replica' });
      await mysql.upstream(add);
      await mysql.upstream(add);
      note(`stopped: ${words(await mysql.ask('reader', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.ask('reader', { kind: 'start-replica' });
      await mysql.caughtUp();
      note(`started: ${words(await mysql.ask('reader', say.scan('t')))}`);
      await mysql.caughtUp();
      note(`again: ${words(await mysql.ask('reader', say.scan('t')))}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'killed in the middle of applying, it has each transaction once in the end',
    expected: ['seen: rows n=40', 'executed: source:1-41'],
    async run(mysql, note) {
      await mysql.connect('admin');
      await mysql.ask('admin', { kind: 'set-global', settings: { flushLogAtCommit: 2 } });
      await mysql.ask('admin', readOnly);
      await mysql.upstream(say.createTable('t'));
      const append = {
        kind: 'write',
        table: 't',
        changes: [{ kind: 'add', key: 'n', amount: 1 }],
      } as const;
      await mysql.upstream(say.insert('t', 'n', '1'));
      for (let count = 0; count < 20; count += 1) await mysql.upstream(append);
      await mysql.ask('admin', { kind: 'follow' });
      await mysql.kill();
      for (let count = 0; count < 19; count += 1) await mysql.upstream(append);
      await mysql.startOnly();
      await mysql.connect('reader');
      await mysql.caughtUp();
      note(`seen: ${words(await mysql.ask('reader', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'promoted without a restart it writes its own binlog; a dump that excludes what it executed begins at its first own transaction',
    expected: [
      'seen: rows own=1 up=1',
      'received: own+1 asks',
      'executed: own+1, source:1-2',
      'refused: 1236',
    ],
    async run(mysql, note) {
      await mysql.connect('admin');
      await mysql.ask('admin', readOnly);
      await mysql.upstream(say.createTable('t'));
      await mysql.upstream(say.insert('t', 'up'));
      await mysql.caughtUp();
      await mysql.ask('admin', { kind: 'stop-replica' });
      await mysql.ask('admin', { kind: 'set-global', settings: { readOnly: false } });
      const call = await mysql.begin('admin', say.insert('t', 'own'));
      const [received] = await mysql.bridge.received(1);
      mysql.bridge.ack(1);
      await call.answer();
      note(`seen: ${words(await mysql.ask('admin', say.scan('t')))}`);
      note(`received: ${received?.gtid} ${received?.needsAck ? 'asks' : 'asks not'}`);
      note(`executed: ${await mysql.executed()}`);
      const lacking = await mysql.attach({
        isSemisync: false,
        excludes: 'nothing',
        name: 'lacking',
      });
      note(`refused: ${await lacking.ended()}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'an errant row makes the applier stop with an error, and the row that meets it stays as it was',
    expected: ['error: 1062', 'seen: rows x=errant', 'executed: source:1'],
    async run(mysql, note) {
      await mysql.connect('admin');
      await mysql.upstream(say.createTable('t'));
      await mysql.caughtUp();
      await mysql.ask('admin', { kind: 'set-log-bin', isOn: false });
      await mysql.ask('admin', say.insert('t', 'x', 'errant'));
      await mysql.upstream(say.insert('t', 'x', 'right'));
      await mysql.upstream(say.insert('t', 'y', 'behind'));
      await mysql.untilReplica('applier', 'stopped');
      const status = await mysql.ask('admin', { kind: 'replica-status' });
      const error =
        status.kind === 'rows' ? status.rows.find(([name]) => name === 'applier_error') : null;
      note(`error: ${error?.[1].split(' ')[0]}`);
      note(`seen: ${words(await mysql.ask('admin', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'behind an errant change that waits for its ack the applier gets one transaction into the engine, and none into gtid_executed',
    expected: [
      'meanwhile: rows other=1',
      'executed: source:1',
      'errant: closed',
      'seen: rows n=right other=1',
    ],
    async run(mysql, note) {
      for (const name of ['admin', 'errant']) await mysql.connect(name);
      await mysql.upstream(say.createTable('t'));
      await mysql.caughtUp();
      const errant = await mysql.begin('errant', say.insert('t', 'n', 'errant'));
      await mysql.bridge.received(1);
      await mysql.upstream(say.insert('t', 'other'));
      await mysql.upstream(say.insert('t', 'n', 'right'));
      await mysql.applierWaits();
      note(`meanwhile: ${words(await mysql.ask('admin', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
      await mysql.stillWaits(errant);
      await mysql.kill();
      note(`errant: ${words(await errant.answer())}`);
      await mysql.cutBinlogBefore(1);
      await mysql.startOnly();
      await mysql.connect('after');
      await mysql.caughtUp();
      note(`seen: ${words(await mysql.ask('after', say.scan('t')))}`);
    },
  },
  {
    beginsEmpty: true,
    name: 'transactions of its own UUID and server id are applied like any other, and their numbers are not given again',
    expected: ['seen: rows again=1 new=1', 'received: own+3'],
    async run(mysql, note) {
      await mysql.connect('admin');
      await mysql.ask('admin', readOnly);
      mysql.upstreamIsOwn();
      await mysql.upstream(say.createTable('t'));
      await mysql.upstream(say.insert('t', 'again'));
      await mysql.caughtUp();
      await mysql.ask('admin', { kind: 'stop-replica' });
      await mysql.ask('admin', { kind: 'set-global', settings: { readOnly: false } });
      const call = await mysql.begin('admin', say.insert('t', 'new'));
      const [received] = await mysql.bridge.received(1);
      mysql.bridge.ack(1);
      await call.answer();
      note(`seen: ${words(await mysql.ask('admin', say.scan('t')))}`);
      note(`received: ${received?.gtid}`);
    },
  },
];

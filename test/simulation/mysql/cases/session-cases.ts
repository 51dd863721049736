import { type ModelCase, prepareTable, say, words } from './mysql-under-test.ts';

// What sessions see of each other, and where they wait for each other.

export const sessionCases: readonly ModelCase[] = [
  {
    name: 'a REPEATABLE READ transaction sees its first snapshot and its own changes; a change works on the newest value',
    expected: [
      'first: rows n=1',
      'later: rows n=1',
      'changed: ok 1',
      'own: rows n=12',
      'committed: ok 0',
      'all: rows n=12',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['one', 'two']) await mysql.connect(name);
      await mysql.ask('two', say.insert('t', 'n', '1'));
      await mysql.ask('one', { kind: 'begin' });
      note(`first: ${words(await mysql.ask('one', say.scan('t')))}`);
      await mysql.ask('two', {
        kind: 'write',
        table: 't',
        changes: [{ kind: 'add', key: 'n', amount: 10 }],
      });
      note(`later: ${words(await mysql.ask('one', say.scan('t')))}`);
      const add = { kind: 'add', key: 'n', amount: 1 } as const;
      const change = { kind: 'write', table: 't', changes: [add] } as const;
      note(`changed: ${words(await mysql.ask('one', change))}`);
      note(`own: ${words(await mysql.ask('one', say.scan('t')))}`);
      note(`committed: ${words(await mysql.ask('one', { kind: 'commit' }))}`);
      note(`all: ${words(await mysql.ask('two', say.scan('t')))}`);
    },
  },
  {
    name: 'READ COMMITTED sees each commit, REPEATABLE READ does not, a locking read sees the newest',
    expected: ['committed: rows n=2', 'repeatable: rows n=1', 'locking: rows n=2'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['rc', 'rr', 'writer']) await mysql.connect(name);
      await mysql.ask('writer', say.insert('t', 'n', '1'));
      await mysql.ask('rc', { kind: 'set-isolation', isolation: 'read-committed' });
      for (const name of ['rc', 'rr']) {
        await mysql.ask(name, { kind: 'begin' });
        await mysql.ask(name, say.scan('t'));
      }
      await mysql.ask('writer', say.put('t', 'n', '2'));
      note(`committed: ${words(await mysql.ask('rc', say.scan('t')))}`);
      note(`repeatable: ${words(await mysql.ask('rr', say.scan('t')))}`);
      const locking = { kind: 'read', table: 't', keys: ['n'], lock: 'share' } as const;
      note(`locking: ${words(await mysql.ask('rr', locking))}`);
    },
  },
  {
    name: 'a change waits for the lock of another transaction, and goes on when that ends',
    expected: ['second: ok 2', 'seen: rows n=second'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['one', 'two']) await mysql.connect(name);
      await mysql.ask('one', { kind: 'begin' });
      await mysql.ask('one', say.insert('t', 'n', 'first'));
      const second = await mysql.begin('two', say.put('t', 'n', 'second'));
      await mysql.stillWaits(second);
      await mysql.ask('one', { kind: 'commit' });
      note(`second: ${words(await second.answer())}`);
      note(`seen: ${words(await mysql.ask('one', say.scan('t')))}`);
    },
  },
  {
    name: 'who closes a circle of waits for metadata and the global read lock dies, and its transaction with it',
    expected: ['changed: error 1213', 'schema: ok 0', 'read-only: ok 0', 'seen: rows'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['changes', 'alters', 'admin']) await mysql.connect(name);
      await mysql.ask('changes', { kind: 'begin' });
      await mysql.ask('changes', say.insert('t', 'a', '1'));
      // Holds its part of the global read lock, and waits for the table.
      const schema = await mysql.begin('alters', {
        kind: 'alter-table',
        table: 't',
        comment: 'c',
      });
      await mysql.stillWaits(schema);
      const readOnly = await mysql.begin('admin', {
        kind: 'set-global',
        settings: { readOnly: true },
      });
      await mysql.stillWaits(readOnly);
      note(`changed: ${words(await mysql.ask('changes', say.insert('t', 'b', '2')))}`);
      note(`schema: ${words(await schema.answer())}`);
      note(`read-only: ${words(await readOnly.answer())}`);
      note(`seen: ${words(await mysql.ask('changes', say.scan('t')))}`);
    },
  },
  {
    name: 'row locks are held until the ack: a change of the same row waits, of another does not wait for it',
    expected: ['received: 3', 'first: ok 1', 'same row: ok 2', 'other row: ok 1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      for (const name of ['first', 'same', 'other']) await mysql.connect(name);
      const first = await mysql.begin('first', say.insert('t', 'n', '1'));
      await mysql.bridge.received(2);
      const same = await mysql.begin('same', say.put('t', 'n', '2'));
      const other = await mysql.begin('other', say.insert('t', 'o', '1'));
      note(`received: ${(await mysql.bridge.received(3)).length}`);
      await mysql.stillWaits(same);
      mysql.acknowledgeAll(true);
      note(`first: ${words(await first.answer())}`);
      note(`same row: ${words(await same.answer())}`);
      note(`other row: ${words(await other.answer())}`);
    },
  },
  {
    name: 'of two transactions that wait for each other the one with fewer changes gets error 1213 and is rolled back whole',
    expected: ['light: error 1213', 'heavy: ok 2', 'seen: rows a=heavy b=heavy c=heavy x=0'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['heavy', 'light']) await mysql.connect(name);
      for (const key of ['a', 'b', 'x']) await mysql.ask('heavy', say.insert('t', key, '0'));
      for (const name of ['heavy', 'light']) await mysql.ask(name, { kind: 'begin' });
      await mysql.ask('heavy', say.put('t', 'a', 'heavy'));
      await mysql.ask('heavy', say.insert('t', 'c', 'heavy'));
      await mysql.ask('light', say.put('t', 'b', 'light'));
      const heavy = await mysql.begin('heavy', say.put('t', 'b', 'heavy'));
      await mysql.stillWaits(heavy);
      note(`light: ${words(await mysql.ask('light', say.put('t', 'a', 'light')))}`);
      note(`heavy: ${words(await heavy.answer())}`);
      await mysql.ask('heavy', { kind: 'commit' });
      await mysql.ask('light', { kind: 'commit' });
      note(`seen: ${words(await mysql.ask('light', say.scan('t')))}`);
    },
  },
  {
    name: 'a lock wait timeout ends the statement with 1205 and not the transaction',
    expected: ['timeout: error 1205', 'commit: ok 0', 'seen: rows kept=1 n=0'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      await mysql.connect('holder');
      await mysql.connect('waiter', { isImpatient: true });
      await mysql.ask('holder', say.insert('t', 'n', '0'));
      for (const name of ['holder', 'waiter']) await mysql.ask(name, { kind: 'begin' });
      await mysql.ask('holder', { kind: 'read', table: 't', keys: ['n'], lock: 'update' });
      await mysql.ask('waiter', say.insert('t', 'kept'));
      const wait = await mysql.begin('waiter', say.put('t', 'n', '1'));
      note(`timeout: ${words(await wait.answer())}`);
      note(`commit: ${words(await mysql.ask('waiter', { kind: 'commit' }))}`);
      note(`seen: ${words(await mysql.ask('holder', say.scan('t')))}`);
    },
  },
  {
    name: 'KILL QUERY of a session that waits for a row lock ends its statement, KILL its transaction',
    expected: ['query: error 1317', 'connection: closed', 'seen: rows n=0 own=1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['holder', 'query', 'gone']) await mysql.connect(name);
      await mysql.ask('holder', say.insert('t', 'n', '0'));
      for (const name of ['holder', 'query', 'gone']) await mysql.ask(name, { kind: 'begin' });
      await mysql.ask('holder', { kind: 'read', table: 't', keys: ['n'], lock: 'update' });
      await mysql.ask('query', say.insert('t', 'own'));
      await mysql.ask('gone', say.insert('t', 'never'));
      const query = await mysql.begin('query', say.put('t', 'n', '1'));
      const gone = await mysql.begin('gone', say.put('t', 'n', '2'));
      for (const [name, what] of [
        ['query', 'query'],
        ['gone', 'connection'],
      ] as const) {
        await mysql.ask('holder', { kind: 'kill', session: mysql.sessionNumber(name), what });
      }
      note(`query: ${words(await query.answer())}`);
      note(`connection: ${words(await gone.answer())}`);
      await mysql.ask('query', { kind: 'commit' });
      await mysql.ask('holder', { kind: 'commit' });
      note(`seen: ${words(await mysql.ask('holder', say.scan('t')))}`);
    },
  },
  {
    name: 'a statement is all or nothing, its transaction goes on; INSERT of a key that is there is error 1062',
    expected: ['failed: error 1062', 'own: rows a=1 b=1', 'committed: ok 0', 'unknown: error 1146'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      await mysql.connect('one');
      await mysql.ask('one', say.insert('t', 'a'));
      await mysql.ask('one', { kind: 'begin' });
      await mysql.ask('one', say.insert('t', 'b'));
      const changes = [
        { kind: 'insert', key: 'c', value: '1' },
        { kind: 'insert', key: 'a', value: '1' },
      ] as const;
      note(`failed: ${words(await mysql.ask('one', { kind: 'write', table: 't', changes }))}`);
      note(`own: ${words(await mysql.ask('one', say.scan('t')))}`);
      note(`committed: ${words(await mysql.ask('one', { kind: 'commit' }))}`);
      note(`unknown: ${words(await mysql.ask('one', say.scan('nowhere')))}`);
    },
  },
  {
    name: 'what each change affects, and what a READ ONLY transaction refuses',
    expected: [
      'append: ok 1',
      'append: ok 2',
      'compare: ok 0',
      'compare: ok 1',
      'add nowhere: ok 0',
      'delete: ok 1',
      'delete: ok 0',
      'read only: error 1792',
      'seen: rows r=z',
      'executed: own+1-6',
    ],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      await mysql.connect('one');
      const change = async (
        label: string,
        one: import('../statements.ts').RowChange,
      ): Promise<void> => {
        const answer = await mysql.ask('one', { kind: 'write', table: 't', changes: [one] });
        note(`${label}: ${words(answer)}`);
      };
      await change('append', { kind: 'append', key: 'l', value: 'x' });
      await change('append', { kind: 'append', key: 'l', value: 'y' });
      await change('compare', { kind: 'compare-and-set', key: 'l', from: 'x', to: 'z' });
      await change('compare', { kind: 'compare-and-set', key: 'l', from: 'x,y', to: 'z' });
      await change('add nowhere', { kind: 'add', key: 'none', amount: 1 });
      await mysql.ask('one', { kind: 'begin' });
      await mysql.ask('one', { kind: 'rollback' });
      await change('delete', { kind: 'delete', key: 'l' });
      await change('delete', { kind: 'delete', key: 'l' });
      await mysql.ask('one', { kind: 'begin', isReadOnly: true });
      await change('read only', { kind: 'insert', key: 'r', value: 'z' });
      await mysql.ask('one', { kind: 'commit' });
      await mysql.ask('one', say.insert('t', 'r', 'z'));
      note(`seen: ${words(await mysql.ask('one', say.scan('t')))}`);
      note(`executed: ${await mysql.executed()}`);
    },
  },
  {
    name: 'SERIALIZABLE reads lock what they read, whole tables too; two that then write one row: one dies',
    expected: ['insert behind scan: ok 1', 'one: error 1213', 'two: ok 1', 'seen: rows a=2 new=1'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['one', 'two', 'other']) await mysql.connect(name);
      await mysql.ask('other', say.insert('t', 'a', '1'));
      for (const name of ['one', 'two']) {
        await mysql.ask(name, { kind: 'set-isolation', isolation: 'serializable' });
      }
      await mysql.ask('one', { kind: 'begin' });
      await mysql.ask('one', say.scan('t'));
      const insert = await mysql.begin('other', say.insert('t', 'new'));
      await mysql.stillWaits(insert);
      await mysql.ask('one', { kind: 'commit' });
      note(`insert behind scan: ${words(await insert.answer())}`);
      for (const name of ['one', 'two']) {
        await mysql.ask(name, { kind: 'begin' });
        await mysql.ask(name, { kind: 'read', table: 't', keys: ['a'] });
      }
      const add = {
        kind: 'write',
        table: 't',
        changes: [{ kind: 'add', key: 'a', amount: 1 }],
      } as const;
      const two = await mysql.begin('two', add);
      await mysql.stillWaits(two);
      note(`one: ${words(await mysql.ask('one', add))}`);
      note(`two: ${words(await two.answer())}`);
      await mysql.ask('two', { kind: 'commit' });
      note(`seen: ${words(await mysql.ask('one', say.scan('t')))}`);
    },
  },
  {
    name: 'DDL waits for transactions that used its table, and new readers wait behind it',
    expected: ['ddl: ok 0', 'reader: rows', 'again: error 1050', 'nowhere: error 1051'],
    async run(mysql, note) {
      await prepareTable(mysql, 't');
      mysql.acknowledgeAll(true);
      for (const name of ['holder', 'ddl', 'reader']) await mysql.connect(name);
      await mysql.ask('holder', { kind: 'begin' });
      await mysql.ask('holder', say.scan('t'));
      const ddl = await mysql.begin('ddl', { kind: 'alter-table', table: 't', comment: 'c' });
      const reader = await mysql.begin('reader', say.scan('t'));
      await mysql.stillWaits(ddl);
      await mysql.stillWaits(reader);
      await mysql.ask('holder', { kind: 'commit' });
      note(`ddl: ${words(await ddl.answer())}`);
      note(`reader: ${words(await reader.answer())}`);
      note(`again: ${words(await mysql.ask('ddl', say.createTable('t')))}`);
      note(`nowhere: ${words(await mysql.ask('ddl', { kind: 'drop-table', table: 'nowhere' }))}`);
    },
  },
];

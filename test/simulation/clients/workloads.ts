import type { HistoryValue } from '../../../history/history.ts';
import { pickFrom } from '../kernel/random-streams.ts';
import type { SimStatement } from '../mysql/statements.ts';
import { type App, type Fate, fateOfRead, fateOfWrite } from './app.ts';
import type { OpenOperation, Recorder } from './recorder.ts';
import type { ClientAnswer } from './sql-client.ts';

// What applications do, one operation at a time. Each is written into a history as its model spells it.

export const tables = {
  registers: 'registers',
  lists: 'lists',
  bank: 'bank',
  set: 'set',
  large: 'large',
  schema: 'schema',
} as const;

export const accounts: readonly string[] = ['a0', 'a1', 'a2', 'a3', 'a4'];
export const accountBalance = 100;
const registerKeys: readonly string[] = ['r0', 'r1'];
const listKeys: readonly string[] = ['l0', 'l1', 'l2', 'l3', 'l4', 'l5'];

/** Values that are never written twice. */
export class Values {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

async function rollBack(app: App): Promise<void> {
  const answer = await app.query({ kind: 'rollback' });
  if (answer.kind !== 'ok') app.disconnect();
}

function settle(operation: OpenOperation, fate: Fate, output: HistoryValue = null): Fate {
  if (fate === 'ok') operation.ok(output);
  else if (fate === 'fail') operation.fail();
  else operation.info();
  return fate;
}

/** Keyed registers: read, write, compare-and-set, each a statement of its own (HAZARDS C1, C8). */
export async function registerOperation(
  app: App,
  history: Recorder,
  values: Values,
): Promise<Fate> {
  const { random } = app;
  const key = pickFrom(random, registerKeys);
  const choice = random.below(0, 10);
  if (choice < 3) return await registerRead(app, history);
  const value = values.next();
  if (choice < 8) {
    const operation = history.call(app.processName, 'write', [key, value]);
    const change = { kind: 'put', key, value: String(value) } as const;
    const answer = await app.query({ kind: 'write', table: tables.registers, changes: [change] });
    return settle(operation, fateOfWrite(answer), [key, value]);
  }
  const from = random.below(Math.max(1, value - 12), value);
  const operation = history.call(app.processName, 'cas', [key, [from, value]]);
  const change = {
    kind: 'compare-and-set',
    key,
    from: String(from),
    to: String(value),
  } as const;
  const answer = await app.query({ kind: 'write', table: tables.registers, changes: [change] });
  const isRefused = answer.kind === 'ok' && answer.affected === 0;
  return settle(operation, isRefused ? 'fail' : fateOfWrite(answer), [key, [from, value]]);
}

export async function registerRead(app: App, history: Recorder): Promise<Fate> {
  const key = pickFrom(app.random, registerKeys);
  const operation = history.call(app.processName, 'read', [key, null]);
  const answer = await app.query({ kind: 'read', table: tables.registers, keys: [key] });
  return settle(operation, fateOfRead(answer), [key, numberIn(answer, key)]);
}

function numberIn(answer: ClientAnswer, key: string): number | null {
  if (answer.kind !== 'rows') return null;
  const row = answer.rows.find(([name]) => name === key);
  return row?.[1] === undefined ? null : Number(row[1]);
}

/** Transactions of appends and reads at SERIALIZABLE (HAZARDS C2). */
export async function listOperation(app: App, history: Recorder, values: Values): Promise<Fate> {
  const { random } = app;
  const steps = Array.from({ length: random.below(1, 4) }, () => {
    const key = pickFrom(random, listKeys);
    return random.below(0, 2) === 0
      ? ({ f: 'r', key, value: null } as const)
      : ({ f: 'append', key, value: values.next() } as const);
  });
  const operation = history.call(
    app.processName,
    'txn',
    steps.map(({ f, key, value }) => [f, key, value]),
  );
  const hasAppends = steps.some(({ f }) => f === 'append');
  const begun = await app.query({ kind: 'begin' });
  if (begun.kind !== 'ok') return settle(operation, 'fail');
  const seen: HistoryValue[] = [];
  for (const { f, key, value } of steps) {
    const statement: SimStatement =
      f === 'r'
        ? { kind: 'read', table: tables.lists, keys: [key] }
        : {
            kind: 'write',
            table: tables.lists,
            changes: [{ kind: 'append', key, value: String(value) }],
          };
    const answer = await app.query(statement);
    if (answer.kind === 'lost' || answer.kind === 'error') {
      // Without a COMMIT nothing of it can have happened, whatever became of the statement.
      await rollBack(app);
      return settle(operation, 'fail');
    }
    seen.push([f, key, f === 'r' ? listIn(answer, key) : value]);
  }
  const ended = await app.query({ kind: 'commit' });
  const fate = hasAppends ? fateOfWrite(ended) : fateOfRead(ended);
  return settle(operation, fate, seen);
}

function listIn(answer: ClientAnswer, key: string): HistoryValue {
  if (answer.kind !== 'rows') return null;
  const text = answer.rows.find(([name]) => name === key)?.[1];
  return text === undefined ? null : text.split(',').map(Number);
}

/** Transfers between accounts, and reads of all of them (HAZARDS C4). */
export async function bankOperation(app: App, history: Recorder): Promise<Fate> {
  const { random } = app;
  if (random.below(0, 3) === 0) return await bankRead(app, history);
  const from = pickFrom(random, accounts);
  const to = pickFrom(
    random,
    accounts.filter((account) => account !== from),
  );
  const amount = random.below(1, 20);
  const input = new Map<HistoryValue, HistoryValue>([
    ['from', from],
    ['to', to],
    ['amount', amount],
  ]);
  const operation = history.call(app.processName, 'transfer', input);
  const begun = await app.query({ kind: 'begin' });
  if (begun.kind !== 'ok') return settle(operation, 'fail');
  const keys = [from, to].sort();
  const read = await app.query({ kind: 'read', table: tables.bank, keys, lock: 'update' });
  const balance = numberIn(read, from);
  const isPossible = read.kind === 'rows' && balance !== null && balance >= amount;
  const moved = isPossible
    ? await app.query({
        kind: 'write',
        table: tables.bank,
        changes: [
          { kind: 'add', key: from, amount: -amount },
          { kind: 'add', key: to, amount },
        ],
      })
    : null;
  if (moved?.kind !== 'ok') {
    await rollBack(app);
    return settle(operation, 'fail');
  }
  return settle(operation, fateOfWrite(await app.query({ kind: 'commit' })), input);
}

/** One statement, and so one snapshot. Also on the read-only port. */
export async function bankRead(app: App, history: Recorder): Promise<Fate> {
  const operation = history.call(app.processName, 'read', null);
  const answer = await app.query({ kind: 'scan', table: tables.bank });
  // A follower may not have applied yet what filled the table.
  if (answer.kind !== 'rows' || answer.rows.length === 0) return settle(operation, 'fail');
  const balances = new Map(answer.rows.map(([name = '', value]) => [name, Number(value)]));
  return settle(operation, 'ok', balances);
}

/** Unique elements, never removed (HAZARDS C5, C6). */
export async function setAdd(app: App, history: Recorder, values: Values): Promise<Fate> {
  const value = values.next();
  const operation = history.call(app.processName, 'add', value);
  const key = String(value).padStart(6, '0');
  const change = { kind: 'insert', key, value: '1' } as const;
  const answer = await app.query({ kind: 'write', table: tables.set, changes: [change] });
  return settle(operation, fateOfWrite(answer), value);
}

export async function setRead(
  app: App,
  history: Recorder,
): Promise<{ readonly fate: Fate; readonly keys: readonly string[] }> {
  const operation = history.call(app.processName, 'read', null);
  const answer = await app.query({ kind: 'scan', table: tables.set });
  const keys = answer.kind === 'rows' ? answer.rows.map(([key = '']) => key) : [];
  return { fate: settle(operation, fateOfRead(answer), keys.map(Number)), keys };
}

/** A transaction of several fragments: rows that one entry does not hold (HAZARDS G9). */
export async function largeWrite(app: App, values: Values, bytes: number): Promise<Fate> {
  const value = String(values.next()).padStart(bytes, 'x');
  const answer = await app.query({
    kind: 'write',
    table: tables.large,
    changes: ['x', 'y', 'z'].map((key) => ({ kind: 'put', key, value })),
  });
  return fateOfWrite(answer);
}

/** How far a write on the read-only port came: refused, taken into a transaction that did not commit, committed. */
export type ForbiddenWrite = 'refused' | 'taken' | 'committed';

/** A write on the read-only port, now and then in a transaction that waits before it: it must be refused (HAZARDS S4). */
export async function forbiddenWrite(app: App, pauseMs: number): Promise<ForbiddenWrite> {
  const isInTransaction = app.random.below(0, 2) === 0;
  if (isInTransaction) {
    const begun = await app.query({ kind: 'begin' });
    if (begun.kind !== 'ok') return 'refused';
    await app.pause(pauseMs);
  }
  const change = { kind: 'put', key: 'forbidden', value: app.name } as const;
  const written = await app.query({ kind: 'write', table: tables.schema, changes: [change] });
  const ended = isInTransaction ? await app.query({ kind: 'commit' }) : written;
  if (ended.kind !== 'ok') app.disconnect();
  if (written.kind !== 'ok') return 'refused';
  return ended.kind === 'ok' ? 'committed' : 'taken';
}

/** DDL and accounts, which a cut of the binlog must take back too. */
export async function schemaChange(app: App, values: Values): Promise<Fate> {
  const { random } = app;
  const number = values.next();
  const user = `u${random.below(0, 3)}`;
  const statement = pickFrom<SimStatement>(random, [
    { kind: 'alter-table', table: tables.schema, comment: `c${number}` },
    { kind: 'alter-table', table: tables.bank, comment: `c${number}` },
    { kind: 'create-user', user },
    { kind: 'drop-user', user },
    { kind: 'create-table', table: `t${number % 3}` },
    { kind: 'drop-table', table: `t${number % 3}` },
  ]);
  return fateOfWrite(await app.query(statement));
}

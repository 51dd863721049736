import {
  type ClientWorkload,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { Recorded } from '../recorder.ts';
import { addElement, readElements } from './elements.ts';
import { change, lookUp } from './objects.ts';

// Schema changes beside writes (HAZARDS H5, G8): tables made, altered and dropped, and rows inserted into one that gets and loses a
// column all the time.

const busy = `${faultsDatabase}.altered`;
/** Tables of one session that stay, so that the schema does not grow with the run. */
const tablesPerSession = 20;
const slow = 60_000;

export const ddl: ClientWorkload = {
  name: 'ddl',
  // A statement of DDL takes some ten milliseconds on each node, and all commits behind it wait.
  rateMax: 12,
  schema: [`CREATE TABLE ${busy} (id BIGINT PRIMARY KEY)`],
  sessions: [
    readWriteSession({ count: 1, statementTimeoutMs: slow, begin: beginTables }),
    readWriteSession({ count: 1, statementTimeoutMs: slow, begin: beginRows }),
  ],
  isDoomed: false,
  final: (context) => [() => readRows(context)],
};

function beginTables(context: SessionContext): Step {
  const { random } = context;
  const names = Array.from({ length: tablesPerSession }, () => `t_${context.uniqueNumber()}`);
  return async () => {
    const name = names[random.below(0, names.length)] ?? '';
    const table = `${faultsDatabase}.${name}`;
    const kind = random.below(0, 8);
    if (kind < 3) await lookUp(context, { stream: 'ddl', object: name, sql: countTable(name) });
    else if (kind < 5) {
      await change(context, {
        stream: 'ddl',
        object: name,
        presence: 'there',
        sql: `CREATE TABLE ${table} (id INT PRIMARY KEY)`,
      });
    } else if (kind < 7) {
      await change(context, {
        stream: 'ddl',
        object: name,
        presence: 'gone',
        sql: `DROP TABLE ${table}`,
      });
    } else await alterBusy(context);
  };
}

/** Whether the column is there is nobody's to say, as several sessions change it: what counts is the rows, and that nodes agree. */
async function alterBusy(context: SessionContext): Promise<void> {
  const column = `c_${context.random.below(0, 3)}`;
  const isAdding = context.random.below(0, 2) === 0;
  const what = isAdding
    ? `ADD COLUMN ${column} VARCHAR(20) DEFAULT 'new'`
    : `DROP COLUMN ${column}`;
  await context.record({
    stream: 'ddl-alter',
    f: 'alter',
    input: what,
    attempt: async () => {
      await context.session.change(`ALTER TABLE ${busy} ${what}`);
      return what;
    },
  });
}

function beginRows(context: SessionContext): Step {
  return async () => {
    await addElement(context, {
      stream: 'ddl-rows',
      insert: async (element) => {
        await context.session.change(`INSERT INTO ${busy} (id) VALUES (?)`, [element]);
      },
    });
  };
}

function readRows(context: SessionContext): Promise<Recorded> {
  return readElements(context, { stream: 'ddl-rows', sql: `SELECT id FROM ${busy}` });
}

function countTable(name: string): string {
  return `SELECT COUNT(*) AS found FROM information_schema.tables WHERE table_schema = '${faultsDatabase}' AND table_name = '${name}'`;
}

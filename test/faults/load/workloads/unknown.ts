import {
  type ClientWorkload,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { Recorded } from '../recorder.ts';
import type { Leaving } from '../sql-session.ts';
import { addElement, readElements } from './elements.ts';

// Clients that go away in COMMIT (HAZARDS N12, C9): by closing the connection, and by SIGKILL of the whole process. Each transaction puts
// a row into two tables; it is in both or in neither.

const tables = [`${faultsDatabase}.unknown_left`, `${faultsDatabase}.unknown_right`] as const;
const abandonedEvery = 2;
/** A new process takes a fraction of a second of one core. */
const killedEvery = 40;
const leaveAfterMsMax = 6;

export const unknown: ClientWorkload = {
  name: 'unknown',
  rateMax: 10,
  schema: tables.map((table) => `CREATE TABLE ${table} (id BIGINT PRIMARY KEY)`),
  sessions: [readWriteSession({ begin })],
  isDoomed: true,
  final: (context) => [() => read(context)],
};

function begin(context: SessionContext): Step {
  const { random } = context;
  return async () => {
    const afterMs = random.below(0, leaveAfterMsMax);
    if (random.below(0, killedEvery) === 0) {
      await insert(context, { afterMs, leave: () => process.kill(process.pid, 'SIGKILL') });
    } else if (random.below(0, abandonedEvery) === 0) {
      await insert(context, { afterMs, leave: () => context.session.drop() });
    } else await insert(context, null);
  };
}

async function insert(context: SessionContext, leaving: Leaving | null): Promise<void> {
  const { session } = context;
  await addElement(context, {
    stream: 'unknown',
    insert: (element) =>
      session.transaction(async () => {
        for (const table of tables) {
          await session.change(`INSERT INTO ${table} (id) VALUES (?)`, [element]);
        }
      }, leaving),
  });
}

function read(context: SessionContext): Promise<Recorded> {
  const [left, right] = tables;
  return readElements(context, {
    stream: 'unknown',
    sql: `SELECT id, COUNT(*) AS tables_with FROM (SELECT id FROM ${left} UNION ALL SELECT id FROM ${right}) AS both_tables GROUP BY id`,
    elementOf: (row) =>
      Number(row['tables_with']) === 2 ? Number(row['id']) : `half of ${String(row['id'])}`,
  });
}

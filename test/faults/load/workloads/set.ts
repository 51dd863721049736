import {
  type ClientWorkload,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { Recorded } from '../recorder.ts';

// Unique inserts: none lost, none that nobody sent, none of those that definitely failed (HAZARDS G3, G4, C5).

const table = `${faultsDatabase}.elements`;
/** A session reads the whole set now and then; the set grows, so not often. */
const readSeconds = 60;

export const set: ClientWorkload = {
  name: 'set',
  rateMax: Number.POSITIVE_INFINITY,
  schema: [`CREATE TABLE ${table} (id BIGINT PRIMARY KEY)`],
  sessions: [readWriteSession({ begin })],
  isDoomed: false,
  final: (context) => [() => read(context)],
};

function begin(context: SessionContext): Step {
  let readDue = context.elapsedSeconds() + context.random.below(5, readSeconds);
  return async () => {
    if (context.elapsedSeconds() >= readDue) {
      readDue = context.elapsedSeconds() + readSeconds;
      await read(context);
      return;
    }
    const element = context.uniqueNumber();
    await context.record({
      stream: 'set',
      f: 'add',
      input: element,
      attempt: async () => {
        await context.session.change(`INSERT INTO ${table} (id) VALUES (?)`, [element]);
        return element;
      },
    });
  };
}

function read(context: SessionContext): Promise<Recorded> {
  return context.record({
    stream: 'set',
    f: 'read',
    input: null,
    attempt: async () => {
      const rows = await context.session.rows(`SELECT id FROM ${table}`);
      return rows.map((row) => Number(row['id']));
    },
  });
}

import {
  type ClientWorkload,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { Recorded } from '../recorder.ts';
import { addElement, readElements } from './elements.ts';

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
    await addElement(context, {
      stream: 'set',
      insert: async (element) => {
        await context.session.change(`INSERT INTO ${table} (id) VALUES (?)`, [element]);
      },
    });
  };
}

function read(context: SessionContext): Promise<Recorded> {
  return readElements(context, { stream: 'set', sql: `SELECT id FROM ${table}` });
}

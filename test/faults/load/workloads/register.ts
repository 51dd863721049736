import {
  type ClientWorkload,
  currentKey,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import { DefiniteFailure } from '../outcome.ts';

// Registers of one row each: read, write and compare-and-set as single statements, linearizable key by key (HAZARDS C1, C8).

const table = `${faultsDatabase}.register`;
const keySeconds = 20;
/** More operations of one register than this, and a checker has much to search. */
const operationsPerKey = 120;
const smallValues = 5;

export const register: ClientWorkload = {
  name: 'register',
  rateMax: Number.POSITIVE_INFINITY,
  schema: [`CREATE TABLE ${table} (id BIGINT PRIMARY KEY, value BIGINT NOT NULL)`],
  sessions: [readWriteSession({ count: 3, begin })],
  isDoomed: false,
  final: (context) =>
    Array.from({ length: keyCount(context) }, (_, offset) => () => {
      const generation = Math.floor(context.elapsedSeconds() / keySeconds);
      return read(context, generation * keyCount(context) + offset);
    }),
};

function keyCount({ ratePerSecond }: Pick<SessionContext, 'ratePerSecond'>): number {
  return Math.max(1, Math.ceil((ratePerSecond * keySeconds) / operationsPerKey));
}

function begin(context: SessionContext): Step {
  const { random } = context;
  return async () => {
    const key = currentKey(context, { count: keyCount(context), seconds: keySeconds });
    const kind = random.below(0, 3);
    if (kind === 0) await read(context, key);
    else if (kind === 1) await write(context, key, random.below(0, smallValues));
    else
      await compareAndSet(context, key, [
        random.below(0, smallValues),
        random.below(0, smallValues),
      ]);
  };
}

function read(context: SessionContext, key: number): ReturnType<SessionContext['record']> {
  const { session } = context;
  return context.record({
    stream: 'register',
    f: 'read',
    input: [key, null],
    attempt: async () => {
      const [row] = await session.rows(`SELECT value FROM ${table} WHERE id = ?`, [key]);
      return [key, row === undefined ? null : Number(row['value'])];
    },
  });
}

async function write(context: SessionContext, key: number, value: number): Promise<void> {
  await context.record({
    stream: 'register',
    f: 'write',
    input: [key, value],
    attempt: async () => {
      await context.session.change(
        `INSERT INTO ${table} (id, value) VALUES (?, ?) ON DUPLICATE KEY UPDATE value = ?`,
        [key, value, value],
      );
      return [key, value];
    },
  });
}

async function compareAndSet(
  context: SessionContext,
  key: number,
  [expected, next]: readonly [number, number],
): Promise<void> {
  await context.record({
    stream: 'register',
    f: 'cas',
    input: [key, [expected, next]],
    attempt: async () => {
      // Rows found, not rows changed: mysql2 asks for CLIENT_FOUND_ROWS, so a value set to itself counts.
      const found = await context.session.change(
        `UPDATE ${table} SET value = ? WHERE id = ? AND value = ?`,
        [next, key, expected],
      );
      if (found === 0) throw new DefiniteFailure('another value was there');
      return [key, [expected, next]];
    },
  });
}

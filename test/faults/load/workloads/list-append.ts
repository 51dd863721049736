import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClientWorkload,
  currentKey,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { Recorded } from '../recorder.ts';
import type { WorkloadName } from '../workload.ts';

// Transactions of one to four appends and reads, each list a row (HAZARDS C2, C3; Kingsbury & Alvaro, *Elle*, VLDB 2020).

const keyCount = 4;
const keySeconds = 6;
/** Elements of one list before its key is left; long lists make long histories. */
const appendsPerKey = 60;
const stepsMax = 4;
const keysPerFinalRead = 20;
/** Between the steps of a transaction, as an application computes: transactions that overlap are what isolation is about. */
const thinkMsMax = 5;

type ListStep =
  | readonly ['append', number, number]
  | readonly ['r', number, readonly number[] | null];

/** SERIALIZABLE: strict serializability is demanded. */
export const listAppend: ClientWorkload = listAppendAt('list-append', 'SERIALIZABLE');
/** REPEATABLE READ, the server's default: nothing that one plain server does not show. */
export const listAppendRepeatableRead: ClientWorkload = listAppendAt(
  'list-append-rr',
  'REPEATABLE READ',
);

function listAppendAt(name: WorkloadName, level: string): ClientWorkload {
  const table = `${faultsDatabase}.${name.replaceAll('-', '_')}`;
  const setup = [`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`];
  return {
    name,
    rateMax: Number.POSITIVE_INFINITY,
    schema: [`CREATE TABLE ${table} (id BIGINT PRIMARY KEY, value LONGTEXT NOT NULL)`],
    sessions: [readWriteSession({ setup, begin: (context) => begin(context, name, table) })],
    isDoomed: false,
    final: (context) => finalReads(context, name, table),
  };
}

function begin(context: SessionContext, stream: string, table: string): Step {
  const { random, ratePerSecond } = context;
  // About half of all steps are appends, two and a half steps to a transaction.
  const seconds = Math.max(
    1,
    Math.min(keySeconds, (appendsPerKey * keyCount) / (ratePerSecond * 1.25)),
  );
  return async () => {
    const steps = Array.from({ length: random.below(1, stepsMax + 1) }, (): ListStep => {
      const key = currentKey(context, { count: keyCount, seconds });
      return random.below(0, 2) === 0 ? ['append', key, context.uniqueNumber()] : ['r', key, null];
    });
    await transact(context, { stream, table }, steps);
  };
}

function transact(
  context: SessionContext,
  { stream, table }: { readonly stream: string; readonly table: string },
  steps: readonly ListStep[],
): Promise<Recorded> {
  const { session } = context;
  return context.record({
    stream,
    f: 'txn',
    input: steps,
    attempt: () =>
      session.transaction(async () => {
        const done: ListStep[] = [];
        for (const step of steps) {
          if (done.length > 0) await delay(context.random.below(0, thinkMsMax));
          done.push(await run(context, table, step));
        }
        return done;
      }),
  });
}

async function run({ session }: SessionContext, table: string, step: ListStep): Promise<ListStep> {
  if (step[0] === 'append') {
    const [, key, element] = step;
    await session.change(
      `INSERT INTO ${table} (id, value) VALUES (?, ?) ON DUPLICATE KEY UPDATE value = CONCAT(value, ',', ?)`,
      [key, String(element), String(element)],
    );
    return step;
  }
  const [row] = await session.rows(`SELECT value FROM ${table} WHERE id = ?`, [step[1]]);
  const text = row === undefined ? '' : String(row['value']);
  return ['r', step[1], text === '' ? [] : text.split(',').map(Number)];
}

/** Every list once more: appends that no read shows have no order that could be judged. */
function finalReads(
  context: SessionContext,
  stream: string,
  table: string,
): readonly (() => Promise<Recorded>)[] {
  let last = -1;
  return [
    async () => {
      for (;;) {
        const rows = await context.session.rows(
          `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${keysPerFinalRead}`,
          [last],
        );
        const keys = rows.map((row) => Number(row['id']));
        const reads = keys.map((key) => ['r', key, null] as const);
        const recorded = await transact(context, { stream, table }, reads);
        if (recorded.type !== 'ok' || keys.length < keysPerFinalRead) return recorded;
        last = keys.at(-1) ?? last;
      }
    },
  ];
}

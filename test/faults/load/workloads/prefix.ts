import {
  type ClientWorkload,
  faultsDatabase,
  readOnlySession,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { JsonValue } from '../operation-log.ts';
import type { Recorded } from '../recorder.ts';

// Reads of the read-only port are states of one order of commits, and never go back on a connection (HAZARDS C7). A lane is a counter
// row and what was appended under it: the counter's lock is held until the commit, so positions are commit order.

const counters = `${faultsDatabase}.lanes`;
const appends = `${faultsDatabase}.lane_appends`;
const laneCount = 4;
const tailLength = 5;
/** Of those of a session on the read-write port. */
const latestReadEvery = 8;

const lanes = Array.from({ length: laneCount }, (_, lane) => lane);

export const prefix: ClientWorkload = {
  name: 'prefix',
  rateMax: Number.POSITIVE_INFINITY,
  schema: [
    `CREATE TABLE ${counters} (lane INT PRIMARY KEY, length BIGINT NOT NULL)`,
    `CREATE TABLE ${appends} (lane INT NOT NULL, position BIGINT NOT NULL, element BIGINT NOT NULL, PRIMARY KEY (lane, position))`,
    `INSERT INTO ${counters} (lane, length) VALUES ${lanes.map((lane) => `(${lane}, 0)`).join(', ')}`,
  ],
  sessions: [
    readWriteSession({ begin: beginAppends }),
    readOnlySession({
      count: 2,
      isProcessPerConnection: true,
      begin: (context) => async () => void (await read(context, 'read')),
    }),
  ],
  isDoomed: false,
  final: (context) => [() => read(context, 'read-latest')],
};

function beginAppends(context: SessionContext): Step {
  const { random } = context;
  return async () => {
    if (random.below(0, latestReadEvery) === 0) await read(context, 'read-latest');
    else await append(context, random.below(0, laneCount), context.uniqueNumber());
  };
}

async function append(context: SessionContext, lane: number, element: number): Promise<void> {
  const { session } = context;
  await context.record({
    stream: 'prefix',
    f: 'append',
    input: [lane, element],
    attempt: () =>
      session.transaction(async () => {
        await session.change(`UPDATE ${counters} SET length = length + 1 WHERE lane = ?`, [lane]);
        const [row] = await session.rows(`SELECT length FROM ${counters} WHERE lane = ?`, [lane]);
        const position = Number(row?.['length']);
        await session.change(`INSERT INTO ${appends} (lane, position, element) VALUES (?, ?, ?)`, [
          lane,
          position,
          element,
        ]);
        return [lane, element, position];
      }),
  });
}

function read(context: SessionContext, f: 'read' | 'read-latest'): Promise<Recorded> {
  return context.record({
    stream: 'prefix',
    f,
    input: null,
    attempt: async () => {
      // One statement is one snapshot. Nothing bounds positions from above: one behind the counter would be seen.
      const rows = await context.session.rows(
        `SELECT l.lane, l.length, a.position, a.element FROM ${counters} l
           LEFT JOIN ${appends} a ON a.lane = l.lane AND a.position > l.length - ${tailLength}
          ORDER BY l.lane, a.position`,
      );
      return [...Map.groupBy(rows, (row) => Number(row['lane']))].map(
        ([lane, found]): JsonValue => [
          lane,
          Number(found[0]?.['length']),
          found
            .filter((row) => row['position'] !== null)
            .map((row) => [Number(row['position']), Number(row['element'])]),
        ],
      );
    },
  });
}

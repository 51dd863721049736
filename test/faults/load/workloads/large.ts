import {
  type ClientWorkload,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import type { Recorded } from '../recorder.ts';
import { addElement, readElements } from './elements.ts';

// Transactions of 1 to 64 MiB among small ones (HAZARDS G9, H19). The server builds the bytes; what they are follows from the row's
// id, so a read can tell whether a row is whole.

const table = `${faultsDatabase}.large`;
const mebibyte = 1 << 20;
const sizesMebibytes = [1, 1, 2, 4, 8, 16];
const largestMebibytes = 64;
/** Nothing else commits while the largest do, which on a machine that is busy takes as long as a fault: a short run is for faults. */
const secondsForLargest = 600;
/** A large one every so many seconds at most: what comes between is what shows whether it disturbs. */
const secondsBetween = 20;
/** What a whole run may put there, on every node's disk several times. */
const runMebibytesMax = 512;
const meanMebibytes = 96 / 7;
const smallBytes = 64;
const slow = 120_000;

export const large: ClientWorkload = {
  name: 'large',
  rateMax: 6,
  schema: [
    `CREATE TABLE ${table} (id BIGINT PRIMARY KEY, size BIGINT NOT NULL, value LONGBLOB NOT NULL)`,
  ],
  sessions: [readWriteSession({ count: 1, statementTimeoutMs: slow, begin })],
  isDoomed: false,
  final: (context) => [() => read(context)],
};

function begin(context: SessionContext): Step {
  const { random, plannedSeconds, ratePerSecond } = context;
  const largeCount = Math.floor(runMebibytesMax / meanMebibytes);
  const seconds = Math.max(secondsBetween, plannedSeconds / largeCount);
  const sizes =
    plannedSeconds < secondsForLargest ? sizesMebibytes : [...sizesMebibytes, largestMebibytes];
  const smallPerLarge = Math.max(1, Math.round(seconds * ratePerSecond));
  return async () => {
    const isLarge = random.below(0, smallPerLarge) === 0;
    const mebibytes = sizes[random.below(0, sizes.length)] ?? 1;
    await insert(context, isLarge ? mebibytes * mebibyte : smallBytes);
  };
}

async function insert(context: SessionContext, bytes: number): Promise<void> {
  await addElement(context, {
    stream: 'large',
    insert: async (id) => {
      await context.session.change(
        `INSERT INTO ${table} (id, size, value) VALUES (?, ?, REPEAT(SHA2(?, 256), ?))`,
        [id, bytes, String(id), bytes / smallBytes],
      );
    },
  });
}

function read(context: SessionContext): Promise<Recorded> {
  return readElements(context, {
    stream: 'large',
    sql: `SELECT id, value = REPEAT(SHA2(CAST(id AS CHAR), 256), size DIV ${smallBytes}) AS whole FROM ${table}`,
    elementOf: (row) =>
      Number(row['whole']) === 1 ? Number(row['id']) : `${String(row['id'])} damaged`,
  });
}

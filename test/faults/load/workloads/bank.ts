import {
  type ClientWorkload,
  faultsDatabase,
  readOnlySession,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import { DefiniteFailure } from '../outcome.ts';
import type { Recorded } from '../recorder.ts';

// Transfers between accounts; every read of all of them, on either port, has the same total (HAZARDS C4).

const table = `${faultsDatabase}.bank`;
const accountCount = 8;
const openingBalance = 100;
const amountMax = 5;
/** One operation in so many is a read, on a session that also transfers. */
const readsEvery = 4;

/** What all accounts hold together. */
export const bankTotal: number = accountCount * openingBalance;

const openings = Array.from({ length: accountCount }, (_, id) => `(${id}, ${openingBalance})`);

export const bank: ClientWorkload = {
  name: 'bank',
  rateMax: Number.POSITIVE_INFINITY,
  schema: [
    `CREATE TABLE ${table} (id INT PRIMARY KEY, balance BIGINT NOT NULL)`,
    `INSERT INTO ${table} (id, balance) VALUES ${openings.join(', ')}`,
  ],
  sessions: [
    readWriteSession({ begin }),
    readOnlySession({ begin: (context) => async () => void (await read(context)) }),
  ],
  isDoomed: false,
  final: (context) => [() => read(context)],
};

function begin(context: SessionContext): Step {
  const { random } = context;
  return async () => {
    if (random.below(0, readsEvery) === 0) {
      await read(context);
      return;
    }
    const from = random.below(0, accountCount);
    const to = (from + random.below(1, accountCount)) % accountCount;
    await transfer(context, { from, to, amount: random.below(1, amountMax + 1) });
  };
}

/** One statement is one snapshot, at the default level and above. */
function read(context: SessionContext): Promise<Recorded> {
  return context.record({
    stream: 'bank',
    f: 'read',
    input: null,
    attempt: async () => {
      const rows = await context.session.rows(`SELECT id, balance FROM ${table}`);
      return Object.fromEntries(rows.map((row) => [String(row['id']), Number(row['balance'])]));
    },
  });
}

async function transfer(
  context: SessionContext,
  order: { readonly from: number; readonly to: number; readonly amount: number },
): Promise<void> {
  const { session } = context;
  const { from, to, amount } = order;
  await context.record({
    stream: 'bank',
    f: 'transfer',
    input: order,
    attempt: async () => {
      await session.transaction(async () => {
        const [row] = await session.rows(`SELECT balance FROM ${table} WHERE id = ? FOR UPDATE`, [
          from,
        ]);
        if (Number(row?.['balance']) < amount) throw new DefiniteFailure('not enough there');
        await session.change(`UPDATE ${table} SET balance = balance - ? WHERE id = ?`, [
          amount,
          from,
        ]);
        await session.change(`UPDATE ${table} SET balance = balance + ? WHERE id = ?`, [
          amount,
          to,
        ]);
      });
      return order;
    },
  });
}

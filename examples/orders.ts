import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';

// An application that survives a failover without losing an order and without placing one twice. Run it beside `npm start`,
// kill the leader while it runs, and compare what it says with what is in the table:
//
//     node examples/orders.ts [DATA-FOLDER] [ORDERS] [FIRST-PORT]
//
// The three rules it shows: any node's read-write port will do; an unknown outcome is looked up, never repeated blindly; what
// may be old is read from the read-only port.

const [dataFolder = './data', orders = '100', firstPort = '7101'] = process.argv.slice(2);
const password = readFileSync(`${dataFolder}/app.password`, 'utf8').trim();
/** Of nodes 1, 2 and 3; the read-only port of each is the next one. */
const readWritePorts = [0, 100, 200].map((step) => Number(firstPort) + step);
/** SQLSTATE of the proxy for a commit of which nobody knows whether it happened. */
const resolutionUnknown = '08007';
const duplicateKey = '23000';
/** As long as it takes to elect a leader, and more. */
const attemptsMax = 50;

type Outcome = 'placed' | 'unknown';

await onAnyNode(async (session) => {
  await session.query('CREATE DATABASE IF NOT EXISTS shop');
  await session.query(
    'CREATE TABLE IF NOT EXISTS shop.orders (id CHAR(36) PRIMARY KEY, item INT NOT NULL)',
  );
});

let lookedUp = 0;
for (let item = 1; item <= Number(orders); item += 1) {
  // The application names the order before it sends it: so it can ask for it later.
  const id = randomUUID();
  while ((await place(id, item)) === 'unknown') {
    lookedUp += 1;
    if (await isThere(id)) break;
  }
}
process.stdout.write(
  `${orders} orders placed once each; ${lookedUp} of unknown outcome looked up\n`,
);

/** Repeats only what is known not to have happened. */
async function place(id: string, item: number): Promise<Outcome> {
  return await onAnyNode(async (session) => {
    try {
      await session.execute('INSERT INTO shop.orders (id, item) VALUES (?, ?)', [id, item]);
      return 'placed';
    } catch (thrown) {
      // An attempt that was looked up too early has arrived after all.
      if (sqlStateOf(thrown) === duplicateKey) return 'placed';
      if (isUnknown(thrown)) return 'unknown';
      throw thrown;
    }
  });
}

async function isThere(id: string): Promise<boolean> {
  return await onAnyNode(async (session) => {
    // On the read-write port: the read-only one may not know it yet.
    const [rows] = await session.query('SELECT id FROM shop.orders WHERE id = ?', [id]);
    return Array.isArray(rows) && rows.length === 1;
  });
}

type Session = Awaited<ReturnType<typeof createConnection>>;

/** The next node where one refuses, until one takes it. A failure that would come back is thrown. */
async function onAnyNode<Answer>(use: (session: Session) => Promise<Answer>): Promise<Answer> {
  let last: unknown = null;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = readWritePorts[attempt % readWritePorts.length] ?? 0;
    let session: Session | null = null;
    try {
      session = await createConnection({ host: '127.0.0.1', port, user: 'app', password });
      session.on('error', () => undefined);
      return await use(session);
    } catch (thrown) {
      if (isFault(thrown)) throw thrown;
      last = thrown;
    } finally {
      session?.destroy();
    }
  }
  throw new Error(`no node took it in ${attemptsMax} attempts`, { cause: last });
}

/** A connection that ends without an answer leaves it open, too. */
function isUnknown(thrown: unknown): boolean {
  const state = sqlStateOf(thrown);
  return state === '' || state === resolutionUnknown;
}

/** The server understood, and says no: another node would say the same. Class 08 is about connections, HY000 is anything. */
function isFault(thrown: unknown): boolean {
  const state = sqlStateOf(thrown);
  return state !== '' && !state.startsWith('08') && state !== 'HY000';
}

function sqlStateOf(thrown: unknown): string {
  const isObject = typeof thrown === 'object' && thrown !== null;
  return isObject && 'sqlState' in thrown ? String(thrown.sqlState) : '';
}

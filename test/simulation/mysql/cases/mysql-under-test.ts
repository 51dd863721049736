import type { GtidSet } from '../../../../mysql-bridge/binlog/gtid-set.ts';
import type { SimAnswer, SimStatement } from '../statements.ts';

/** A statement under way. */
export interface Call {
  readonly isAnswered: boolean;
  /** Settles with the answer, or `closed` when the connection ended without one. */
  answer(): Promise<SimAnswer | 'closed'>;
}

/** A transaction as a dump brought it. */
export interface Received {
  /** `own+1`: counted from what the server had executed when the case began; `source:1` for one of the source. */
  readonly gtid: string;
  readonly needsAck: boolean;
  readonly bytes: number;
}

/** A dump of the server under test. */
export interface DumpUnderTest {
  /** Settles with all transactions received, when there are this many. */
  received(count: number): Promise<readonly Received[]>;
  /** Acknowledges everything up to this transaction, counted from 1. */
  ack(count: number): void;
  /** Settles with what the server said when it ended the dump. */
  ended(): Promise<string>;
  close(): Promise<void>;
}

export interface AttachOptions {
  readonly isSemisync: boolean;
  /** What not to send: what the server has executed, or nothing. */
  readonly excludes: 'executed' | 'nothing';
  /** Dumps of one name are the same replica to the server. */
  readonly name: string;
}

/**
 * A server that cases are run against: simulated, or real. It was started, is writable, has the schema `sim`, and one semisync
 * replica, `bridge`, that acks nothing by itself any more. A case uses it alone.
 */
export interface MysqlUnderTest {
  /** Of the present life of the server; attached anew after a start. */
  readonly bridge: DumpUnderTest;
  /** From now on `bridge` acks whatever comes, or nothing. */
  acknowledgeAll(isOn: boolean): void;
  /** Logs in. One that is impatient waits for a row lock no longer than it must. */
  connect(session: string, options?: { readonly isImpatient?: boolean }): Promise<void>;
  disconnect(session: string): Promise<void>;
  /** Log-ins that are held up. Settles when that is so. */
  connectHeldUp(
    session: string,
  ): Promise<{ readonly isConnected: boolean; connected(): Promise<void> }>;
  /** Says a statement and settles with its answer. */
  ask(session: string, statement: SimStatement): Promise<SimAnswer>;
  /** Says a statement and settles when it waits for something, or is answered. */
  begin(session: string, statement: SimStatement): Promise<Call>;
  /** Settles when it is sure that the statement still waits; rejects when it was answered. */
  stillWaits(call: Call): Promise<void>;
  /** Number of a session, for KILL. */
  sessionNumber(session: string): number;
  killDump(): Promise<void>;
  attach(options: AttachOptions): Promise<DumpUnderTest>;
  /** What the server executed since the case began: `own+1-3, source:1-2`; empty when nothing. */
  executed(): Promise<string>;
  /** Lets a moment pass, for a condition that is asked again. */
  pass(): Promise<void>;
  kill(): Promise<void>;
  shutDown(): Promise<void>;
  /** Starts it and makes it what it was at the beginning of the case: writable, `bridge` attached. */
  start(): Promise<void>;
  /** Starts it and leaves it as it comes: read-only, with no replica. */
  startOnly(): Promise<void>;
  /** Of a stopped server: the binlog ends in front of the transaction that `bridge` received as this one. */
  cutBinlogBefore(count: number): Promise<void>;
  /** What the source of this server commits next; the server is told as it follows. Answers when it is in the source's log. */
  upstream(statement: SimStatement): Promise<void>;
  /** The source commits under this server's own UUID and server id from now on, as after a rebuild. */
  upstreamIsOwn(): void;
  /** Follows the source, if it did not since its start, and settles when all of it is executed here. */
  caughtUp(): Promise<void>;
  /** Settles when the applier has changed what it is to commit, and waits with the commit. */
  applierWaits(): Promise<void>;
  /** Settles when the replication status is as said. */
  untilReplica(half: 'receiver' | 'applier', state: string): Promise<void>;
}

/** A case writes down what it sees, line by line; the same lines must come from both servers. */
export interface ModelCase {
  readonly name: string;
  /** The server has executed nothing when the case begins: a source would refuse a replica with a history of its own. */
  readonly beginsEmpty?: boolean;
  readonly expected: readonly string[];
  readonly run: (mysql: MysqlUnderTest, note: (line: string) => void) => Promise<void>;
}

/** `ok 1`, `rows a=1 b=2`, `error 1290`, `closed`. */
export function words(answer: SimAnswer | 'closed'): string {
  if (answer === 'closed') return answer;
  switch (answer.kind) {
    case 'ok':
      return `ok ${answer.affected}`;
    case 'rows':
      return ['rows', ...answer.rows.map(([name, value]) => `${name}=${value}`)].join(' ');
    case 'value':
      return answer.value;
    case 'error':
      return `error ${answer.number}`;
  }
}

/** The statements that most cases are made of. */
export const say = {
  insert(table: string, key: string, value = '1'): SimStatement {
    return { kind: 'write', table, changes: [{ kind: 'insert', key, value }] };
  },
  put(table: string, key: string, value: string): SimStatement {
    return { kind: 'write', table, changes: [{ kind: 'put', key, value }] };
  },
  scan(table: string): SimStatement {
    return { kind: 'scan', table };
  },
  createTable(table: string): SimStatement {
    return { kind: 'create-table', table };
  },
} as const;

/** Makes a table, acknowledged. */
export async function prepareTable(mysql: MysqlUnderTest, table: string): Promise<void> {
  await mysql.connect('setup');
  await askAcknowledged(mysql, 'setup', say.createTable(table));
}

/** Says a statement; whatever it commits is acknowledged. */
export async function askAcknowledged(
  mysql: MysqlUnderTest,
  session: string,
  statement: SimStatement,
): Promise<void> {
  mysql.acknowledgeAll(true);
  await mysql.ask(session, statement);
  mysql.acknowledgeAll(false);
}

/** Where the next event goes, in the binlog file of this number. */
export async function binlogPlace(
  mysql: MysqlUnderTest,
  session: string,
): Promise<{ readonly file: number; readonly position: number }> {
  const answer = await mysql.ask(session, { kind: 'binlog-status' });
  const file = Number(fieldOf(answer, 'file').split('.')[1]);
  return { file, position: Number(fieldOf(answer, 'position')) };
}

/** Of an answer with rows of name and value; `missing` when it is not there. */
export function fieldOf(answer: SimAnswer, name: string): string {
  const row = answer.kind === 'rows' ? answer.rows.find(([key]) => key === name) : undefined;
  return row?.[1] ?? 'missing';
}

/** Waits for what no statement tells: a commit whose session is gone. */
export async function untilExecuted(mysql: MysqlUnderTest, gtids: string): Promise<void> {
  for (;;) {
    if ((await mysql.executed()) === gtids) return;
    await mysql.pass();
  }
}

/** `own+1-3, source:1-2`: what of a set is new since `base`, which holds the server's own first numbers. */
export function executedWords(
  set: GtidSet,
  names: { readonly own: string; readonly source: string; readonly base: bigint },
): string {
  const parts = set.sources.flatMap(({ serverUuid, intervals }) =>
    intervals.flatMap(({ first, last }) => {
      const isOwn = serverUuid === names.own;
      if (!isOwn) return serverUuid === names.source ? [`source:${range(first, last)}`] : [];
      if (last <= names.base) return [];
      const from = first > names.base ? first - names.base : 1n;
      return [`own+${range(from, last - names.base)}`];
    }),
  );
  return parts.sort().join(', ');
}

function range(first: bigint, last: bigint): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { SystemClock } from '../../base/clock.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../mysql-bridge/binlog/position.ts';
import { DumpClient } from '../../mysql-bridge/dump-client.ts';
import type { TestMySql } from '../support/mysql-server.ts';
import { until } from './source-support.ts';

// A second semisynchronous replica on a server that has its tail (HAZARDS H11): any account that may replicate, hence an administrator.

const clock = new SystemClock();
/** `kTraceDetail` of the plugin: each ack that was heard is a line in the server's log. */
const traceDetail = 16;
const acksPeriodMs = 20;

/** Behind every file of a server; binlog files are compared as strings. */
export const farFile: BinlogPosition = { file: 'binlog.999999', offset: 4n };

export async function executedOn(connection: Connection): Promise<GtidSet> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT @@GLOBAL.gtid_executed AS e');
  return GtidSet.parse(String(rows[0]?.['e']).replaceAll('\n', ''));
}

/** Behind everything that this server will write to its present binlog file. */
export async function farInPresentFile(connection: Connection): Promise<BinlogPosition> {
  const [rows] = await connection.query<RowDataPacket[]>('SHOW BINARY LOG STATUS');
  return { file: String(rows[0]?.['File']), offset: 1n << 62n };
}

/** Comes, acknowledges this place until the server has heard it, and leaves. Settles when the server counts it no more. */
export async function rogueComesAndGoes(mysql: TestMySql, place: BinlogPosition): Promise<void> {
  const connection = await mysql.connect();
  await connection.query(
    `SET GLOBAL rpl_semi_sync_source_trace_level = ${traceDetail}, GLOBAL log_error_verbosity = 3`,
  );
  const before = linesNaming(mysql, place);
  const rogue = await DumpClient.open({
    endpoint: { kind: 'unix', path: mysql.server.socketPath },
    account: mysql.account,
    serverId: 4_294_967_000,
    replicaUuid: '0badc0de-0000-4000-8000-00000000beef',
    heartbeatPeriodMs: 1_000,
    isSemisync: true,
    loginTimeoutMs: 60_000,
    clock,
  });
  const ended = Promise.withResolvers<void>();
  rogue.start((await executedOn(connection)).encode(), {
    onPieces: () => undefined,
    onEnd: (error) => ended.reject(error),
  });
  // A new replica's socket is listened to up to a second after it attached.
  const stop = clock.every(acksPeriodMs, () => rogue.sendAck(place));
  const heard = until(() => Promise.resolve(linesNaming(mysql, place) > before));
  await Promise.race([heard, ended.promise]);
  ended.promise.catch(() => undefined);
  stop();
  await rogue.close();
  await until(async () => (await countedReplicas(connection)) === '1');
  await connection.query('SET GLOBAL rpl_semi_sync_source_trace_level = 0');
}

async function countedReplicas(connection: Connection): Promise<string> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'",
  );
  return String(rows[0]?.['Value']);
}

/** In the server's log. */
function linesNaming(mysql: TestMySql, { file, offset }: BinlogPosition): number {
  const directory = join(mysql.directory, 'log');
  const text = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
  const place = new RegExp(`${file}.*\\b${offset}\\b`);
  return text.flatMap((log) => log.split('\n')).filter((line) => place.test(line)).length;
}

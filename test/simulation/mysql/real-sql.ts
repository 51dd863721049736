import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { assert } from '../../../base/assert.ts';
import { schemaChangeText } from './sql-text.ts';
import type { GlobalSettings, RowChange, SimAnswer, SimRow, SimStatement } from './statements.ts';

// The statements of the model as SQL for a real server, and its answers as the model's.

const isolationNames = {
  'read-committed': 'READ COMMITTED',
  'repeatable-read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const;

/** Says it and turns what comes back into the model's answer. Rejects as the connection does. */
export async function askReal(
  connection: Connection,
  statement: SimStatement,
  follow: readonly string[],
): Promise<SimAnswer> {
  switch (statement.kind) {
    case 'show-schema':
      return rows(await query(connection, schemaSql));
    case 'semisync-status':
      return rows(await query(connection, semisyncSql));
    case 'global-settings':
      return rows(await query(connection, settingsSql));
    case 'binlog-status': {
      const [status] = await query(connection, 'SHOW BINARY LOG STATUS');
      return {
        kind: 'rows',
        rows: [
          ['file', String(status?.['File'])],
          ['position', String(status?.['Position'])],
        ],
      };
    }
    case 'replica-status': {
      const [status] = await query(connection, 'SHOW REPLICA STATUS');
      return { kind: 'rows', rows: replicaRows(status ?? {}) };
    }
    case 'gtid-executed': {
      const [row] = await query(connection, 'SELECT @@GLOBAL.gtid_executed AS value');
      return { kind: 'value', value: String(row?.['value']).replaceAll(/\s/g, '') };
    }
    case 'read':
    case 'scan':
      return rows(await query(connection, readSql(statement)));
    default:
      return await execute(connection, statement.kind === 'follow' ? follow : sqlOf(statement));
  }
}

async function query(connection: Connection, sql: string): Promise<readonly RowDataPacket[]> {
  const [found] = await connection.query<RowDataPacket[]>(sql);
  return found;
}

async function execute(connection: Connection, statements: readonly string[]): Promise<SimAnswer> {
  let affected = 0;
  for (const sql of statements) {
    const [header] = await connection.query<ResultSetHeader>(sql);
    affected = header.affectedRows;
  }
  return { kind: 'ok', affected, gtid: null };
}

/** Each row's first two columns. */
function rows(found: readonly RowDataPacket[]): SimAnswer {
  return {
    kind: 'rows',
    rows: found.map((row): SimRow => {
      const [name = '', value = ''] = Object.values(row);
      return [String(name), String(value)];
    }),
  };
}

function readSql(statement: Extract<SimStatement, { kind: 'read' | 'scan' }>): string {
  if (statement.kind === 'scan') return `SELECT k, v FROM ${statement.table} ORDER BY k`;
  const keys = statement.keys.map(quote).join(', ');
  const locks = { share: ' FOR SHARE', update: ' FOR UPDATE', none: '' };
  return `SELECT k, v FROM ${statement.table} WHERE k IN (${keys}) ORDER BY FIELD(k, ${keys})${locks[statement.lock ?? 'none']}`;
}

function sqlOf(statement: SimStatement): readonly string[] {
  switch (statement.kind) {
    case 'ping':
      return ['DO 1'];
    case 'begin':
      return [statement.isReadOnly === true ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION'];
    case 'commit':
      return ['COMMIT'];
    case 'rollback':
      return ['ROLLBACK'];
    case 'set-isolation':
      return [`SET SESSION TRANSACTION ISOLATION LEVEL ${isolationNames[statement.isolation]}`];
    case 'set-log-bin':
      return [`SET sql_log_bin = ${onOff(statement.isOn)}`];
    case 'write':
      return [writeSql(statement.table, statement.changes)];
    case 'create-table':
    case 'drop-table':
    case 'alter-table':
    case 'create-user':
    case 'drop-user':
      return [schemaChangeText(statement)];
    case 'set-global':
      return settingSql(statement.settings);
    case 'kill':
      return [`KILL ${statement.what === 'query' ? 'QUERY' : 'CONNECTION'} ${statement.session}`];
    case 'flush-binary-logs':
      return ['FLUSH BINARY LOGS'];
    case 'reset-binary-logs':
      return ['RESET BINARY LOGS AND GTIDS'];
    case 'start-replica':
      return ['START REPLICA'];
    case 'stop-replica':
      return ['STOP REPLICA'];
    default:
      throw new Error(`no case says ${statement.kind} to a real server`);
  }
}

function writeSql(table: string, changes: readonly RowChange[]): string {
  const [first] = changes;
  assert(first !== undefined, 'a write changes something');
  if (changes.every(({ kind }) => kind === 'insert')) {
    const values = changes.map((change) =>
      change.kind === 'insert' ? `(${quote(change.key)}, ${quote(change.value)})` : '',
    );
    return `INSERT INTO ${table} VALUES ${values.join(', ')}`;
  }
  assert(changes.length === 1, 'SQL has no statement for changes of several kinds');
  return changeSql(table, first);
}

function changeSql(table: string, change: RowChange): string {
  const key = quote(change.key);
  switch (change.kind) {
    case 'insert':
      return `INSERT INTO ${table} VALUES (${key}, ${quote(change.value)})`;
    case 'put':
      return `INSERT INTO ${table} VALUES (${key}, ${quote(change.value)}) AS new ON DUPLICATE KEY UPDATE v = new.v`;
    case 'append':
      return `INSERT INTO ${table} VALUES (${key}, ${quote(change.value)}) AS new ON DUPLICATE KEY UPDATE v = CONCAT(${table}.v, ',', new.v)`;
    case 'add':
      return `UPDATE ${table} SET v = v + ${change.amount} WHERE k = ${key}`;
    case 'compare-and-set':
      return `UPDATE ${table} SET v = ${quote(change.to)} WHERE k = ${key} AND v = ${quote(change.from)}`;
    case 'delete':
      return `DELETE FROM ${table} WHERE k = ${key}`;
  }
}

function settingSql(settings: Partial<GlobalSettings>): readonly string[] {
  const texts: readonly (string | null)[] = [
    setSql('read_only', settings.readOnly),
    setSql('super_read_only', settings.superReadOnly),
    setSql('event_scheduler', settings.eventScheduler),
    setSql('rpl_semi_sync_source_enabled', settings.semisyncEnabled),
    setSql('rpl_semi_sync_source_wait_no_replica', settings.semisyncWaitsWithoutReplica),
    settings.flushLogAtCommit === undefined
      ? null
      : `SET GLOBAL innodb_flush_log_at_trx_commit = ${settings.flushLogAtCommit}`,
    settings.semisyncWaitPoint === undefined
      ? null
      : `SET GLOBAL rpl_semi_sync_source_wait_point = ${settings.semisyncWaitPoint}`,
  ];
  return texts.filter((text) => text !== null);
}

function setSql(name: string, isOn: boolean | undefined): string | null {
  return isOn === undefined ? null : `SET GLOBAL ${name} = ${onOff(isOn)}`;
}

function replicaRows(status: Record<string, unknown>): readonly SimRow[] {
  const states: Record<string, string> = { Yes: 'running', Connecting: 'connecting' };
  const state = (field: string): string => states[String(status[field])] ?? 'stopped';
  const error = (half: string): string => {
    const number = Number(status[`Last_${half}_Errno`] ?? 0);
    return number === 0 ? '' : `${number} ${status[`Last_${half}_Error`]}`;
  };
  return [
    ['receiver', state('Replica_IO_Running')],
    ['receiver_error', error('IO')],
    ['retrieved', String(status['Retrieved_Gtid_Set'] ?? '').replaceAll(/\s/g, '')],
    ['applier', state('Replica_SQL_Running')],
    ['applier_error', error('SQL')],
  ];
}

const schemaSql = `
  SELECT CONCAT('table ', table_name) AS n, table_comment AS c FROM information_schema.tables
    WHERE table_schema = 'sim'
  UNION ALL SELECT CONCAT('user ', user), '' FROM mysql.user WHERE host = '%' AND user REGEXP '^u[0-9]*$'
  ORDER BY n`;

const semisyncSql = `
  SELECT REPLACE(LOWER(variable_name), 'rpl_semi_sync_source_', '') AS n, variable_value AS c
    FROM performance_schema.global_status WHERE variable_name LIKE 'Rpl\\_semi\\_sync\\_source\\_%'
  UNION SELECT 'was_log_bin_off', 'yes' FROM performance_schema.events_statements_summary_by_digest
    WHERE digest_text = 'SET \`sql_log_bin\` = OFF' AND count_star > sum_errors`;

const settingsSql = `
  SELECT 'eventScheduler' AS n, IF(@@GLOBAL.event_scheduler = 'ON', 'true', 'false') AS c
  UNION ALL SELECT 'readOnly', IF(@@GLOBAL.read_only, 'true', 'false')
  UNION ALL SELECT 'superReadOnly', IF(@@GLOBAL.super_read_only, 'true', 'false')
  UNION ALL SELECT 'semisyncEnabled', IF(@@GLOBAL.rpl_semi_sync_source_enabled, 'true', 'false')
  UNION ALL SELECT 'semisyncWaitPoint', @@GLOBAL.rpl_semi_sync_source_wait_point`;

function onOff(isOn: boolean): string {
  return isOn ? 'ON' : 'OFF';
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

import type { StatementTrace } from '../role/unlogged-writes.ts';
import { textOf } from './server-facts.ts';
import type { SettingFault } from './settings-check.ts';
import type { SqlConnection, SqlRow } from './sql-connection.ts';

// What a server remembers of statements that change settings, and what it must be told for that (MySQL manual, "Performance Schema
// Statement Event Tables", "Performance Schema Statement Digests and Sampling").

/** Forms of statements that are counted; past half of it, all are forgotten, so that there is always room for another. */
const digestsMax = 500;
/** The newest statements, whole. */
const historyMax = 1000;

/** The first two only lead to the others: the server knows what a statement is once it has parsed it. */
const instruments: readonly string[] = [
  'statement/abstract/new_packet',
  'statement/abstract/Query',
  'statement/com/Execute',
  'statement/sql/set_option',
  'statement/sql/execute_sql',
  'statement/sp/stmt',
];
const consumers: readonly string[] = [
  'global_instrumentation',
  'thread_instrumentation',
  'statements_digest',
  'events_statements_current',
  'events_statements_history_long',
];
const unusedConsumers: readonly string[] = [
  'events_statements_history',
  'events_transactions_current',
  'events_transactions_history',
];

/** Tables that stay empty. Not all versions have all of them. */
const unusedSizes: readonly string[] = [
  'accounts_size',
  'error_size',
  'events_stages_history_long_size',
  'events_stages_history_size',
  'events_statements_history_size',
  'events_transactions_history_long_size',
  'events_transactions_history_size',
  'events_waits_history_long_size',
  'events_waits_history_size',
  'hosts_size',
  'max_cond_classes',
  'max_cond_instances',
  'max_file_classes',
  'max_file_instances',
  'max_index_stat',
  'max_logger_classes',
  'max_memory_classes',
  'max_metadata_locks',
  'max_meter_classes',
  'max_metric_classes',
  'max_mutex_classes',
  'max_mutex_instances',
  'max_prepared_statements_instances',
  'max_rwlock_classes',
  'max_rwlock_instances',
  'max_socket_classes',
  'max_socket_instances',
  'max_stage_classes',
  'max_table_handles',
  'max_table_instances',
  'max_table_lock_stat',
  'users_size',
];

/**
 * Options of a server that remembers no more than it is asked for here: 22 MiB instead of 247. With `isWhole` it remembers
 * what MySQL does by default, as well.
 */
export function traceOptions(isWhole: boolean): readonly (readonly [string, string | number])[] {
  const on = [
    ...instruments.map((name) => ['performance_schema_instrument', `${name}=ON`] as const),
    ...consumers.map((name) => [consumerOption(name), 'ON'] as const),
  ];
  if (isWhole) return on;
  return [
    ['performance_schema_instrument', '%=OFF'],
    ...on,
    ...unusedConsumers.map((name) => [consumerOption(name), 'OFF'] as const),
    ['performance_schema_digests_size', digestsMax],
    ['performance_schema_events_statements_history_long_size', historyMax],
    ...unusedSizes.map((name) => [`loose_performance_schema_${name}`, 0] as const),
  ];
}

function consumerOption(name: string): string {
  return `performance_schema_consumer_${name}`;
}

/** What keeps a server from remembering: an administrator can turn any of it off. */
export async function traceFaults(
  connection: SqlConnection,
  options: { readonly timeoutMs: number },
): Promise<readonly SettingFault[]> {
  const rows = await connection.query(
    `SELECT NAME AS name, ENABLED AS value FROM performance_schema.setup_consumers WHERE NAME IN (${quoted(consumers)})
     UNION ALL SELECT NAME, ENABLED FROM performance_schema.setup_instruments WHERE NAME IN (${quoted(instruments)})
     UNION ALL SELECT 'setup_actors', IF(COUNT(*) = 1 AND SUM(HOST = '%' AND USER = '%' AND ENABLED = 'YES' AND HISTORY = 'YES') = 1, 'YES', 'NO')
       FROM performance_schema.setup_actors`,
    options,
  );
  const found = new Map(rows.map((row) => [textOf(row, 'name'), textOf(row, 'value')]));
  return [...consumers, ...instruments, 'setup_actors'].flatMap((name) => {
    const value = found.get(name) ?? null;
    return value === 'YES' ? [] : [{ name: `performance_schema ${name}`, value, allowed: 'YES' }];
  });
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

/** What a round of the monitor asks in one statement, see `StatementTraces`. */
const lookSql = `
  SELECT @@GLOBAL.rpl_semi_sync_source_wait_point AS wait_point,
    (SELECT JSON_ARRAYAGG(JSON_OBJECT('text', DIGEST_TEXT, 'at', LAST_SEEN))
      FROM performance_schema.events_statements_summary_by_digest
      WHERE DIGEST_TEXT LIKE '%sql\\_log\\_bin%' AND COUNT_STAR > SUM_ERRORS) AS forms,
    (SELECT COUNT(*) > @@performance_schema_digests_size / 2
      FROM performance_schema.events_statements_summary_by_digest) AS is_full,
    (SELECT COUNT_STAR FROM performance_schema.events_statements_summary_global_by_event_name
      WHERE EVENT_NAME = 'statement/sp/stmt') AS in_programs`;

/** A statement that failed changed nothing. */
const historySql = `
  SELECT SQL_TEXT AS text, CONCAT(OBJECT_SCHEMA, '.', OBJECT_NAME) AS program,
    CONCAT(PROCESSLIST_USER, '@', PROCESSLIST_HOST) AS account
  FROM performance_schema.events_statements_history_long
  LEFT JOIN performance_schema.threads USING (THREAD_ID)
  WHERE SQL_TEXT LIKE '%sql\\_log\\_bin%' AND MYSQL_ERRNO = 0`;

/**
 * Statements that may have turned a session's binlog off. Those sent as such, and prepared ones, are counted by their form until
 * the server ends. Those within stored programs are only in the history of the newest, so that is read in each round in
 * which there were some: twice, since a statement is counted a moment before it can be read.
 */
export class StatementTraces {
  readonly #connection: SqlConnection;
  #inPrograms = '0';
  #isHistoryOld = false;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async look(options: { readonly timeoutMs: number }): Promise<{
    readonly waitPoint: string;
    readonly traces: readonly StatementTrace[];
  }> {
    const [row] = await this.#connection.query(lookSql, options);
    const forms = formsOf(row);
    const inPrograms = textOf(row, 'in_programs');
    const hasNew = inPrograms !== this.#inPrograms;
    const isFull = textOf(row, 'is_full') === '1';
    if (isFull) await this.#connection.query(forgetSql, options);
    // What ran between the two statements is in the history still. So is who it was.
    const isAsked = hasNew || this.#isHistoryOld || isFull || forms.length > 0;
    const history = isAsked ? await this.#connection.query(historySql, options) : [];
    this.#inPrograms = inPrograms;
    this.#isHistoryOld = hasNew;
    return {
      waitPoint: textOf(row, 'wait_point'),
      traces: [...history.map(traceOf), ...forms],
    };
  }
}

const forgetSql = 'TRUNCATE TABLE performance_schema.events_statements_summary_by_digest';

function formsOf(row: SqlRow | undefined): readonly StatementTrace[] {
  const forms: unknown = row?.['forms'] ?? [];
  if (!Array.isArray(forms)) return [];
  return forms.map((form: SqlRow) => ({
    text: textOf(form, 'text'),
    program: null,
    account: null,
    at: textOf(form, 'at'),
  }));
}

function traceOf(row: SqlRow): StatementTrace {
  return {
    text: textOf(row, 'text'),
    program: textOf(row, 'program') || null,
    account: textOf(row, 'account') || null,
    at: null,
  };
}

import { FatalError } from '../../base/fatal.ts';
import { isAtLeast, type MySqlVersion } from './mysql-version.ts';
import { type RequiredSetting, requiredSettings } from './required-settings.ts';
import { traceOptions } from './statement-traces.ts';

/** What may be chosen for a server; everything else is required or left to MySQL. */
export interface ServerTuning {
  readonly bufferPoolBytes: number;
  readonly maxConnections: number;
  /** Applier threads of a replica. */
  readonly replicaWorkers: number;
  /** All that MySQL observes by default, a quarter gigabyte; without it only what the sidecar looks for. */
  readonly performanceSchema: boolean;
  /** The user's own options of `[mysqld]`, by name. */
  readonly extraOptions: Readonly<Record<string, string>>;
}

export const defaultTuning: ServerTuning = {
  bufferPoolBytes: 128 * 1024 * 1024,
  maxConnections: 500,
  replicaWorkers: 4,
  performanceSchema: false,
  extraOptions: {},
};

export interface ServerConfigOptions {
  readonly version: MySqlVersion;
  readonly dataDirectory: string;
  readonly temporaryDirectory: string;
  readonly errorLogPath: string;
  readonly socketPath: string;
  readonly pidPath: string;
  readonly port: number;
  readonly adminPort: number;
  /** Unique in the cluster, and not 0. */
  readonly serverId: number;
  /** Only when the sidecar is root: mysqld refuses to run as root unless told to. */
  readonly runAs: 'root' | null;
  readonly tuning: ServerTuning;
}

/**
 * The text of a `my.cnf` for one server. Rejects by FatalError MYSQL_SETTING_UNSAFE what of the user's own options would
 * break a promise; those come last in the file, so that they win over the defaults, and never over a required setting.
 */
export function serverConfig(options: ServerConfigOptions): string {
  const required = requiredSettings(options.version).map(
    ({ name, configured }) => [name, configured] as const,
  );
  const lines = [
    '# Generated at every start; changes here are lost. Own options belong in the node configuration.',
    '[mysqld]',
    ...[...identity(options), ...required, ...defaults(options)].map(optionLine),
    ...userOptions(options).map(optionLine),
  ];
  return `${lines.join('\n')}\n`;
}

type Option = readonly [name: string, value: string | number];

/** Who and where the server is. */
function identity(options: ServerConfigOptions): readonly Option[] {
  return [
    ['datadir', options.dataDirectory],
    ['tmpdir', options.temporaryDirectory],
    ['log_error', options.errorLogPath],
    ['socket', options.socketPath],
    ['pid_file', options.pidPath],
    ['port', options.port],
    ['admin_port', options.adminPort],
    ['server_id', options.serverId],
    ...(options.runAs === null ? [] : [['user', options.runAs] as const]),
  ];
}

function defaults(options: ServerConfigOptions): readonly Option[] {
  const { tuning, version } = options;
  return [
    ['plugin_load_add', 'semisync_source.so'],
    ['log_bin_index', 'binlog.index'],
    ['relay_log', 'relay'],
    ['relay_log_index', 'relay.index'],
    // The reserved connections have a thread of their own, which a flood of clients cannot keep busy.
    ['create_admin_listener_thread', 'ON'],
    ['loose_mysqlx', 'OFF'],
    // Traffic stays on this machine; certificates would only cost time at the first start.
    ['auto_generate_certs', 'OFF'],
    ['tls_version', ''],
    ['log_error_verbosity', 2],
    ['log_error_suppression_list', 'MY-013595,MY-010069'],
    // The same on every node, whatever zone each machine is in (HAZARDS H22).
    ['default_time_zone', '+00:00'],
    ['local_infile', 'ON'],
    // Rows, not statements, are replicated: a function cannot give other results elsewhere.
    ['log_bin_trust_function_creators', 'ON'],
    // Smaller files than by default: recovery reads the newest one whole.
    ['max_binlog_size', 256 * 1024 * 1024],
    // The Raft log is the record; the binlog must only outlive what the bridge has not read yet.
    ['binlog_expire_logs_seconds', 24 * 60 * 60],
    ['max_allowed_packet', 1024 * 1024 * 1024],
    ['replica_net_timeout', 10],
    // A server meets its own transactions again when it was rebuilt, or when what was cut from its binlog was committed
    // after all: without this it would drop them silently, by their server id.
    ['replicate_same_server_id', 'ON'],
    ['replica_parallel_workers', tuning.replicaWorkers],
    ['max_connections', tuning.maxConnections],
    ['innodb_buffer_pool_size', tuning.bufferPoolBytes],
    ...traceOptions(tuning.performanceSchema),
    // Lets replicas apply in parallel what did not commit together; later versions know nothing else.
    ...(isAtLeast(version, '8.4.0')
      ? []
      : ([['binlog_transaction_dependency_tracking', 'WRITESET']] as const)),
  ];
}

/** Names besides the required settings that this project gives, or that would undo what they are for. */
const ownNames: readonly string[] = [
  'admin_port',
  'basedir',
  'binlog_do_db',
  'binlog_ignore_db',
  'create_admin_listener_thread',
  'daemonize',
  'datadir',
  'init_file',
  'initialize',
  'initialize_insecure',
  'innodb_read_only',
  'log_bin_basename',
  'log_bin_index',
  'log_error',
  'master_info_repository',
  'max_digest_length',
  'mysqlx',
  'performance_schema_digests_size',
  'performance_schema_events_statements_history_long_size',
  'performance_schema_max_digest_length',
  'performance_schema_max_sql_text_length',
  'performance_schema_max_statement_classes',
  'performance_schema_max_thread_instances',
  'performance_schema_setup_actors_size',
  'pid_file',
  'plugin_dir',
  'plugin_load',
  'plugin_load_add',
  'port',
  'read_only',
  'relay_log',
  'relay_log_index',
  'relay_log_info_repository',
  'server_id',
  'server_uuid',
  'skip_grant_tables',
  'skip_networking',
  'socket',
  'tmpdir',
  'upgrade',
  'user',
];
const ownFamilies: readonly string[] = [
  'replicate_',
  'rpl_semi_sync_',
  'group_replication_',
  'performance_schema_consumer_',
];

function userOptions(options: ServerConfigOptions): readonly Option[] {
  const required = requiredSettings(options.version);
  return Object.entries(options.tuning.extraOptions).map(([name, value]) => {
    const plain = plainName(name);
    const setting = required.find((candidate) => candidate.name === plain);
    if (setting?.isSafe(value, 'replica')) return [plain, value];
    if (setting !== undefined || isOwn(plain, required) || !/^[a-z][a-z0-9_.]*$/.test(plain)) {
      const allowed = setting?.allowed ?? 'nothing, leave it out: it is set for you';
      throw new FatalError(
        'MYSQL_SETTING_UNSAFE',
        `option ${name} = ${value} is not safe here; allowed: ${allowed}`,
      );
    }
    if (hasControlCharacter(value)) {
      throw new FatalError('MYSQL_SETTING_UNSAFE', `option ${name} holds a control character`);
    }
    return [plain, value];
  });
}

/** MySQL takes any unambiguous beginning of a name for the name, and `skip_` in front for its opposite. */
function isOwn(plain: string, required: readonly RequiredSetting[]): boolean {
  const names = [...ownNames, ...required.map(({ name }) => name)];
  return [plain, plain.replace(/^skip_/, '')].some(
    (name) =>
      names.some((own) => own.startsWith(name)) ||
      ownFamilies.some((family) => name.startsWith(family) || family.startsWith(name)),
  );
}

/** Without the dashes, prefixes and bygone words in which MySQL lets a name be written. */
function plainName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll('-', '_')
    .replace(/^_+/, '')
    .replace(/^(?:(?:loose|enable|disable|maximum)_)+/, '')
    .replaceAll('slave', 'replica');
}

/** Values are quoted always: a path may hold a space or a `#`. */
function optionLine([name, value]: Option): string {
  const text = String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `${name} = "${text}"`;
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}

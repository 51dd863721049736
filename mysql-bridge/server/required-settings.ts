import { isAtLeast, type MySqlVersion } from './mysql-version.ts';

/** What a server is at the moment of a check: some settings are right for one role alone. */
export type CheckedRole = 'primary' | 'replica';

/** A setting that a promise of this project rests on. The same row generates the configuration and checks the server. */
export interface RequiredSetting {
  /** As SHOW GLOBAL VARIABLES names it. */
  readonly name: string;
  /** What the configuration file says; the server starts in the role of a replica. */
  readonly configured: string;
  /** Which values are safe, as SHOW GLOBAL VARIABLES shows them. */
  readonly isSafe: (value: string, role: CheckedRole) => boolean;
  /** The same in words, for an error message. */
  readonly allowed: string;
  /** First version that has it. */
  readonly since?: string;
  /** First version that no longer has it. */
  readonly until?: string;
}

/**
 * Engines that nobody may create a table in. What is not InnoDB is not rolled back with the binlog's tail (HAZARDS H7), and a
 * MEMORY table writes a transaction of its own into the binlog when it is first opened after a restart.
 */
export const refusedEngines: readonly string[] = [
  'MyISAM',
  'MRG_MyISAM',
  'MEMORY',
  'CSV',
  'ARCHIVE',
  'BLACKHOLE',
  'FEDERATED',
  'EXAMPLE',
  'ndbcluster',
];

/** The most that older versions hold, seven weeks; newer ones take the largest 64-bit number (HAZARDS H9). */
const semisyncTimeoutMsMin = 4_294_967_295n;

const all: readonly RequiredSetting[] = [
  // Every transaction has a name of its own, on all servers the same.
  exactly('gtid_mode', 'ON'),
  exactly('enforce_gtid_consistency', 'ON'),
  // The binlog holds whole rows, in the open, on disk before anyone is asked for an acknowledgement (H13).
  exactly('log_bin', 'ON', { configured: 'binlog' }),
  exactly('binlog_format', 'ROW'),
  exactly('binlog_row_image', 'FULL'),
  exactly('binlog_row_value_options', ''),
  exactly('binlog_checksum', 'CRC32'),
  exactly('binlog_encryption', 'OFF'),
  exactly('binlog_transaction_compression', 'OFF'),
  exactly('binlog_order_commits', 'ON'),
  exactly('binlog_error_action', 'ABORT_SERVER'),
  exactly('sync_binlog', '1'),
  {
    name: 'innodb_flush_log_at_trx_commit',
    configured: '1',
    // A replica may relax: what it lacks after a crash is in the Raft log, and its GTIDs say so exactly.
    isSafe: (value, role) => value === '1' || (role === 'replica' && value === '2'),
    allowed: '1, or 2 while a replica',
  },
  {
    name: 'innodb_doublewrite',
    configured: 'ON',
    isSafe: (value) => value === 'ON' || value === 'DETECT_AND_RECOVER',
    allowed: 'ON or DETECT_AND_RECOVER',
  },
  exactly('innodb_force_recovery', '0'),
  exactly('default_storage_engine', 'InnoDB'),
  exactly('default_tmp_storage_engine', 'InnoDB'),
  {
    name: 'disabled_storage_engines',
    configured: refusedEngines.join(','),
    isSafe: (value) => {
      const listed = value.toLowerCase().split(',');
      return refusedEngines.every((engine) => listed.includes(engine.toLowerCase()));
    },
    allowed: `a list with ${refusedEngines.join(',')}`,
  },
  // The commit gate: a commit waits for the bridge's acknowledgement, for ever if need be (H9, H13).
  exactly('rpl_semi_sync_source_enabled', 'ON'),
  exactly('rpl_semi_sync_source_wait_point', 'AFTER_SYNC'),
  exactly('rpl_semi_sync_source_wait_no_replica', 'ON'),
  exactly('rpl_semi_sync_source_wait_for_replica_count', '1'),
  {
    name: 'rpl_semi_sync_source_timeout',
    configured: '18446744073709551615',
    isSafe: (value) => /^\d{1,20}$/.test(value) && BigInt(value) >= semisyncTimeoutMsMin,
    allowed: `${semisyncTimeoutMsMin} or more`,
  },
  // A replica applies what the Raft log has committed: in its order, all of it, and writes none of it to a binlog.
  exactly('log_replica_updates', 'OFF'),
  exactly('skip_replica_start', 'ON'),
  exactly('relay_log_recovery', 'ON'),
  exactly('replica_preserve_commit_order', 'ON'),
  exactly('replica_exec_mode', 'STRICT'),
  exactly('replica_skip_errors', 'OFF'),
  exactly('replica_parallel_type', 'LOGICAL_CLOCK', { until: '8.4.0' }),
  {
    name: 'super_read_only',
    configured: 'ON',
    isSafe: (value, role) => value === (role === 'replica' ? 'ON' : 'OFF'),
    allowed: 'ON on a replica, OFF on a primary',
  },
  {
    name: 'event_scheduler',
    configured: 'OFF',
    // Events of a replica would run twice (H20).
    isSafe: (value, role) => value === 'OFF' || (role === 'primary' && value === 'ON'),
    allowed: 'OFF, or ON on a primary',
  },
  // Only what passes the proxy reaches the server, and nothing is set behind the configuration's back (H10).
  exactly('bind_address', '127.0.0.1'),
  exactly('admin_address', '127.0.0.1'),
  exactly('partial_revokes', 'ON'),
  exactly('persisted_globals_load', 'OFF'),
  exactly('secure_file_priv', 'NULL'),
  exactly('skip_name_resolve', 'ON'),
  // Remembers who turned a session's binlog off (H10).
  exactly('performance_schema', 'ON'),
];

/** The settings that this version has and must have. */
export function requiredSettings(version: MySqlVersion): readonly RequiredSetting[] {
  return all.filter(
    ({ since, until }) =>
      (since === undefined || isAtLeast(version, since)) &&
      (until === undefined || !isAtLeast(version, until)),
  );
}

function exactly(
  name: string,
  value: string,
  options: { readonly configured?: string; readonly since?: string; readonly until?: string } = {},
): RequiredSetting {
  const { configured = value, ...versions } = options;
  return { name, configured, isSafe: (actual) => actual === value, allowed: value, ...versions };
}

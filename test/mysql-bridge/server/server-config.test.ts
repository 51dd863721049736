import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeOf } from '../../../base/errors.ts';
import type { MySqlVersion } from '../../../mysql-bridge/server/mysql-version.ts';
import { requiredSettings } from '../../../mysql-bridge/server/required-settings.ts';
import {
  defaultTuning,
  type ServerConfigOptions,
  serverConfig,
} from '../../../mysql-bridge/server/server-config.ts';
import { checkSettings } from '../../../mysql-bridge/server/settings-check.ts';

const newest: MySqlVersion = { major: 9, minor: 7, patch: 4 };
const oldest: MySqlVersion = { major: 8, minor: 0, patch: 26 };

function optionsWith(
  extraOptions: Readonly<Record<string, string>>,
  version: MySqlVersion = newest,
): ServerConfigOptions {
  return {
    version,
    dataDirectory: '/srv/node 1/data',
    temporaryDirectory: '/srv/node 1/tmp',
    errorLogPath: '/srv/node 1/log/mysqld.log',
    socketPath: '/srv/node 1/run/mysqld.sock',
    pidPath: '/srv/node 1/data/mysqld.pid',
    port: 7151,
    adminPort: 7152,
    serverId: 1,
    runAs: null,
    tuning: { ...defaultTuning, extraOptions },
  };
}

/** The file as MySQL reads it: later lines win, quotes come off. */
function parsed(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').flatMap((line) => {
    const [, name, value] = /^(\w+) = "((?:[^"\\]|\\.)*)"$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    return [[name, value.replaceAll(/\\(.)/g, '$1')] as const];
  });
  return new Map(lines);
}

test.each([oldest, newest])('what is generated passes the check, as a replica: %o', (version) => {
  const file = parsed(serverConfig(optionsWith({}, version)));
  const shown = new Map([...file, ['log_bin', 'ON']]);

  expect(file.get('log_bin')).toBe('binlog');
  expect(checkSettings({ variables: shown, role: 'replica', version })).toEqual([]);
});

test('a version is given only the settings it has', () => {
  const old = parsed(serverConfig(optionsWith({}, oldest)));
  const recent = parsed(serverConfig(optionsWith({}, newest)));

  expect(old.get('binlog_transaction_dependency_tracking')).toBe('WRITESET');
  expect(old.get('replica_parallel_type')).toBe('LOGICAL_CLOCK');
  expect(recent.has('binlog_transaction_dependency_tracking')).toBe(false);
  expect(recent.has('replica_parallel_type')).toBe(false);
});

test('every line is a section, a comment, or one quoted value', () => {
  const text = serverConfig(optionsWith({ sort_buffer_size: '1M' }));

  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(?:#.*|\[mysqld\]|[a-z_0-9]+ = "[^"]*")$/);
  }
});

test.each([
  ['sync_binlog', '0'],
  ['sync-binlog', '0'],
  ['SYNC_BINLOG', '1000'],
  ['loose-sync-binlog', '0'],
  ['sync_bin', '0'],
  ['gtid_mode', 'OFF'],
  ['binlog_format', 'STATEMENT'],
  ['rpl_semi_sync_source_wait_point', 'AFTER_COMMIT'],
  ['rpl-semi-sync-master-timeout', '1000'],
  ['log_slave_updates', 'ON'],
  ['skip-log-bin', ''],
  ['disable_log_bin', ''],
  ['skip-slave-start', '0'],
  ['slave_exec_mode', 'IDEMPOTENT'],
  ['replicate-do-db', 'a'],
  ['replicate_wild_ignore_table', 'a.%'],
  ['binlog-do-db', 'a'],
  ['binlog_ign', 'a'],
  ['datadir', '/elsewhere'],
  ['init-file', '/tmp/evil.sql'],
  ['skip-grant-tables', ''],
  ['bind_address', '0.0.0.0'],
  ['innodb_doublewrite', 'OFF'],
  ['innodb_force_recovery', '1'],
  ['secure_file_priv', ''],
  ['disabled_storage_engines', 'MyISAM'],
  ['plugin_load_add', 'evil.so'],
  ['bad name', '1'],
  ['a\nb', '1'],
  ['', '1'],
])('option %j = %j is refused, with what is allowed (HAZARDS H9, H10, H13)', (name, value) => {
  let thrown: unknown;
  try {
    serverConfig(optionsWith({ [name]: value }));
  } catch (error) {
    thrown = error;
  }

  expect(codeOf(thrown)).toBe('MYSQL_SETTING_UNSAFE');
  expect(String(thrown)).toContain('allowed: ');
});

test('options that break no promise are passed on, after the defaults so that they win', () => {
  const file = parsed(
    serverConfig(
      optionsWith({
        'max-connections': '2000',
        innodb_buffer_pool_size: '1G',
        innodb_doublewrite: 'DETECT_AND_RECOVER',
        'validate_password.policy': 'LOW',
        character_set_server: 'latin1',
      }),
    ),
  );

  expect(file.get('max_connections')).toBe('2000');
  expect(file.get('innodb_buffer_pool_size')).toBe('1G');
  expect(file.get('innodb_doublewrite')).toBe('DETECT_AND_RECOVER');
  expect(file.get('character_set_server')).toBe('latin1');
});

test('no value can add a line or end its quotes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      let text: string;
      try {
        text = serverConfig(optionsWith({ init_connect: value }));
      } catch (error) {
        expect(codeOf(error)).toBe('MYSQL_SETTING_UNSAFE');
        return;
      }
      expect(parsed(text).get('init_connect')).toBe(value);
      expect(text.trimEnd().split('\n').at(-1)).toMatch(/^init_connect = "/);
    }),
  );
});

test('each required setting refuses something, in the role of a replica', () => {
  for (const { isSafe } of requiredSettings(newest)) {
    expect(isSafe('surely not a safe value', 'replica')).toBe(false);
  }
});

import { expect, test } from 'vitest';
import type { MySqlVersion } from '../../../mysql-bridge/server/mysql-version.ts';
import {
  type CheckedRole,
  refusedEngines,
  requiredSettings,
} from '../../../mysql-bridge/server/required-settings.ts';
import {
  checkBypass,
  checkSemisync,
  checkSettings,
  formatFaults,
} from '../../../mysql-bridge/server/settings-check.ts';

const version: MySqlVersion = { major: 9, minor: 7, patch: 4 };

function variablesWith(changes: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const safe = requiredSettings(version).map(({ name, configured }) => [name, configured] as const);
  return new Map([...safe, ['log_bin', 'ON'], ...Object.entries(changes)]);
}

function faultNames(
  changes: Readonly<Record<string, string>>,
  role: CheckedRole,
): readonly string[] {
  const variables = variablesWith(changes);
  return checkSettings({ variables, role, version }).map(({ name }) => name);
}

const primary = { super_read_only: 'OFF' };

test.each([
  ['sync_binlog', '0'],
  ['binlog_format', 'MIXED'],
  ['binlog_row_image', 'MINIMAL'],
  ['rpl_semi_sync_source_enabled', 'OFF'],
  ['rpl_semi_sync_source_wait_point', 'AFTER_COMMIT'],
  ['rpl_semi_sync_source_wait_no_replica', 'OFF'],
  ['rpl_semi_sync_source_timeout', '1000'],
  ['rpl_semi_sync_source_timeout', 'soon'],
  ['innodb_flush_log_at_trx_commit', '2'],
  ['disabled_storage_engines', 'MyISAM,MEMORY'],
  ['super_read_only', 'ON'],
])('%s = %s is a fault on a primary (HAZARDS H9, H10, H13)', (name, value) => {
  expect(faultNames({ ...primary, [name]: value }, 'primary')).toEqual([name]);
});

test('a primary may run events, a replica may not (HAZARDS H20)', () => {
  expect(faultNames({ ...primary, event_scheduler: 'ON' }, 'primary')).toEqual([]);
  expect(faultNames({ event_scheduler: 'ON' }, 'replica')).toEqual(['event_scheduler']);
});

test('a replica may flush lazily, but must refuse writes', () => {
  expect(faultNames({ innodb_flush_log_at_trx_commit: '2' }, 'replica')).toEqual([]);
  expect(faultNames({ super_read_only: 'OFF' }, 'replica')).toEqual(['super_read_only']);
});

test('more refused engines than needed are fine, in any case of letters', () => {
  const engines = [...refusedEngines, 'Another'].join(',').toUpperCase();

  expect(faultNames({ disabled_storage_engines: engines }, 'replica')).toEqual([]);
});

test('a setting the server does not know is a fault, not a pass', () => {
  const faults = checkSettings({ variables: new Map(), role: 'replica', version });

  expect(faults).toHaveLength(requiredSettings(version).length);
  expect(formatFaults(faults)).toContain('sync_binlog is missing, allowed: 1');
});

test('semisync is in order with one client and nothing let through (HAZARDS G7, H11)', () => {
  const fine = { isWaiting: true, clients: 1, unacknowledged: 0, waitingSessions: 3 };

  expect(checkSemisync(fine)).toEqual([]);
  expect(checkSemisync({ ...fine, isWaiting: false })).toHaveLength(1);
  expect(checkSemisync({ ...fine, clients: 2 })).toHaveLength(1);
  expect(checkSemisync({ ...fine, clients: 0 })).toHaveLength(1);
  expect(formatFaults(checkSemisync({ ...fine, unacknowledged: 7 }))).toBe(
    'Rpl_semi_sync_source_no_tx is 7, allowed: 0',
  );
});

test('a gate is bypassed by whatever lets a commit through, not by what makes it wait (HAZARDS H9)', () => {
  const fine = { isWaiting: true, clients: 1, unacknowledged: 0, waitingSessions: 3 };

  expect(checkBypass(fine, 'AFTER_SYNC')).toEqual([]);
  expect(checkBypass({ ...fine, clients: 0 }, 'AFTER_SYNC')).toEqual([]);
  expect(checkBypass({ ...fine, clients: 2 }, 'AFTER_SYNC')).toHaveLength(1);
  expect(checkBypass({ ...fine, isWaiting: false }, 'AFTER_SYNC')).toHaveLength(1);
  expect(checkBypass({ ...fine, unacknowledged: 1 }, 'AFTER_SYNC')).toHaveLength(1);
  expect(checkBypass(fine, 'AFTER_COMMIT')).toHaveLength(1);
});

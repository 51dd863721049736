import { expect, test } from 'vitest';
import { settingDifferences } from '../../../bench/core/settings.ts';

test('settings in which servers differ are listed; equal ones, who a server is, and what one alone has are not', () => {
  const server = (name: string, settings: Readonly<Record<string, string>>) => ({
    name,
    settings: new Map(Object.entries(settings)),
  });

  const table = settingDifferences([
    server('ours', {
      sync_binlog: '1',
      max_connections: '500',
      port: '1',
      server_uuid: 'a',
      datadir: '/one',
      log_slave_updates: 'OFF',
    }),
    server('theirs', {
      sync_binlog: '1',
      max_connections: '100',
      port: '2',
      server_uuid: 'b',
      datadir: '/two',
      log_slave_updates: 'ON',
      group_replication_consistency: 'EVENTUAL',
    }),
  ]);

  expect(table).toEqual({
    headers: ['setting', 'ours', 'theirs'],
    rows: [['max_connections', '500', '100']],
  });
});

test('one server alone differs from nobody', () => {
  expect(settingDifferences([{ name: 'ours', settings: new Map([['a', '1']]) }]).rows).toEqual([]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerQuery, type SourceFacts } from '../../../mysql-bridge/source/source-query.ts';

const systemVariables = new Map([
  ['server_id', '900'],
  ['server_uuid', 'bbbbbbbb-0000-0000-0000-000000000001'],
  ['gtid_mode', 'ON'],
  ['binlog_checksum', 'CRC32'],
  ['version', '9.7.4'],
  ['version_comment', 'binraft binlog port'],
]);

const facts: SourceFacts = {
  unixSeconds: 1_700_000_000,
  user: 'follower',
  connectionId: 5,
  systemVariable: (name) => systemVariables.get(name) ?? null,
};

function rowOf(sql: string, variables: ReadonlyMap<string, string> = new Map()): unknown {
  const answer = answerQuery(sql, facts, variables);
  return answer.kind === 'rows' ? answer.row : answer;
}

// What 8.0.26, 8.4 and 9.7 replicas, mysqlbinlog, mysql and go-mysql send before a dump.
test.each([
  ['SELECT UNIX_TIMESTAMP()', ['1700000000']],
  ['SELECT @@GLOBAL.SERVER_ID', ['900']],
  ['SELECT @@GLOBAL.SERVER_UUID', ['bbbbbbbb-0000-0000-0000-000000000001']],
  ['SELECT @@GLOBAL.GTID_MODE', ['ON']],
  ['SELECT VERSION()', ['9.7.4']],
  ['select @@version_comment limit 1', ['binraft binlog port']],
  [
    '/* ApplicationName=x */ select @@version_comment, @@server_id as id ;',
    ['binraft binlog port', '900'],
  ],
  ["SHOW VARIABLES LIKE 'SERVER_ID'", ['server_id', '900']],
  ["SHOW GLOBAL VARIABLES LIKE 'BINLOG_CHECKSUM'", ['binlog_checksum', 'CRC32']],
  ["SHOW VARIABLES LIKE 'no_such_thing'", null],
  ['select USER()', ['follower']],
  ['SELECT 1', ['1']],
])('%s is answered', (sql, row) => {
  expect(rowOf(sql)).toEqual(row);
});

test('what a replica sets can be read back', () => {
  const set = answerQuery(
    "SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum, @source_heartbeat_period= 15000000000, @replica_uuid='a,b'",
    facts,
    new Map(),
  );

  expect(set).toEqual({
    kind: 'variables-set',
    variables: new Map([
      ['master_binlog_checksum', 'CRC32'],
      ['source_binlog_checksum', 'CRC32'],
      ['source_heartbeat_period', '15000000000'],
      ['replica_uuid', 'a,b'],
    ]),
  });
  if (set.kind !== 'variables-set') return;
  expect(rowOf('SELECT @source_binlog_checksum', set.variables)).toEqual(['CRC32']);
  expect(rowOf('SELECT @never_set', set.variables)).toEqual([null]);
});

test.each(['SET NAMES utf8mb4', 'SET autocommit=1', 'set @@session.sql_mode = ""'])(
  '%s is accepted and changes nothing',
  (sql) => {
    expect(rowOf(sql)).toEqual({ kind: 'variables-set', variables: new Map() });
  },
);

test.each([
  ['SELECT @@global.rpl_semi_sync_source_enabled', 1193],
  ['SET @x = @@global.no_such_variable', 1193],
  ['SELECT * FROM mysql.user', 1235],
  ['INSERT INTO t VALUES (1)', 1235],
  ["SELECT 'unclosed", 1235],
  ['', 1235],
])('%s is refused with %i', (sql, number) => {
  expect(rowOf(sql)).toMatchObject({ kind: 'err', err: { number } });
});

test('no text makes it throw or take long (HAZARDS S1)', () => {
  const words = fc.constantFrom(
    'SELECT ',
    'SET ',
    '@a=',
    '@@',
    ',',
    "'",
    '"',
    '`',
    ' as x',
    '()',
    ' ',
    ';',
    '/*',
    '*/',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 200 }), (parts) => {
      expect(['rows', 'variables-set', 'err']).toContain(
        answerQuery(parts.join(''), facts, new Map()).kind,
      );
    }),
  );
  const before = process.cpuUsage();
  for (const hostile of [
    `SELECT ${'a as '.repeat(900)}`,
    `SET ${'@a= '.repeat(1000)}`,
    ' '.repeat(4096),
  ]) {
    answerQuery(hostile, facts, new Map());
  }
  // Of the processor, and not of the clock on the wall: others run here too.
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
});

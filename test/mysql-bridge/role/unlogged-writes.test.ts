import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type StatementTrace,
  turnsBinlogOff,
  unloggedWrite,
} from '../../../mysql-bridge/role/unlogged-writes.ts';

// Texts and digests are as MySQL 9.7.4 has them in performance_schema (HAZARDS H10).

test.each([
  'SET SESSION `sql_log_bin` = ?',
  'SET @@SESSION . `SQL_LOG_BIN` = ?',
  'SET @@SESSION.SQL_LOG_BIN= 0;',
  'SET LOCAL `sql_log_bin` = OFF',
  'SET @@`sql_log_bin` = ?',
  'SET `sql_log_bin` := ?',
  'EXECUTE SET `sql_log_bin` = ?',
  'SET @? = ? , `sql_log_bin` = ? , `autocommit` = ?',
  'SET SESSION /*!80000 sql_log_bin */ = 0',
  'SET /* once */ sql_log_bin # or more\n = 0',
  'SET sql_log_bin = @was',
  'SET sql_log_bin = NOT 1',
  'SETsql_log_bin = 0',
  'SET@@session.sql_log_bin = 0',
])('turns the binlog off: %s', (text) => {
  expect(turnsBinlogOff(text)).toBe(true);
});

test.each([
  'SET @? = @@SESSION . `SQL_LOG_BIN`',
  'SET `sql_log_bin` = ON',
  'SET sql_log_bin = 1',
  'SET SESSION `sql_log_bin` = DEFAULT',
  'SET @? = ( SELECT ? , `sql_log_bin` = ? )',
  "SET @a = ', sql_log_bin = 0'",
  'SET @sql_log_bin = 0',
  'SET @`sql_log_bin` = 0',
  'SET `sql_log_off` = ?',
  'SELECT `sql_log_bin` = ?',
  'UPDATE `t` SET `sql_log_bin` = ?',
  "INSERT INTO t VALUES ('SET sql_log_bin = 0')",
  'PREPARE SET `sql_log_bin` = ?',
  '',
])('does not: %s', (text) => {
  expect(turnsBinlogOff(text)).toBe(false);
});

test('any text gives an answer', () => {
  const piece = fc.constantFrom(...'\'"`(),=:/*#-\\\n @?a1', 'sql_log_bin', '/*!', '*/');
  fc.assert(
    fc.property(fc.string({ unit: piece }), (text) => {
      expect(typeof turnsBinlogOff(`SET ${text}`)).toBe('boolean');
    }),
  );
});

test('wherever it stands among other assignments it is found', () => {
  const other = fc.constantFrom('a = 1', '@b = (1, 2)', "c = ',)('", '@@session.d = DEFAULT');
  const others = fc.array(other, { maxLength: 4 });
  fc.assert(
    fc.property(others, others, (before, after) => {
      const list = [...before, '@@SESSION.sql_log_bin = 0', ...after];
      expect(turnsBinlogOff(`SET ${list.join(', ')}`)).toBe(true);
    }),
  );
});

const form: StatementTrace = {
  text: 'SET `sql_log_bin` = ?',
  program: null,
  account: null,
  at: '2026-01-02 03:04:05.000006',
};

test('the reason names the statement, and when it was last seen', () => {
  expect(unloggedWrite([form])).toBe(
    'MYSQL_BINLOG_OFF: a session turned its binlog off, so nothing tells what it wrote: SET `sql_log_bin` = ?, by a session that is gone, at 2026-01-02 03:04:05.000006 UTC',
  );
});

test('a session that is still there is named rather than the form of its statement', () => {
  const named = {
    text: 'SET sql_log_bin = 0',
    program: 'd.p',
    account: 'root@localhost',
    at: null,
  };

  expect(unloggedWrite([form, named])).toMatch(
    /: SET sql_log_bin = 0, in d\.p, by root@localhost$/,
  );
});

test('what MySQL ships does it around temporary tables alone, and counts for nothing', () => {
  const shipped = { ...form, text: 'SET sql_log_bin = 0', program: 'sys.diagnostics' };

  expect(unloggedWrite([shipped])).toBeNull();
  expect(unloggedWrite([{ ...shipped, program: 'sys.mine' }])).not.toBeNull();
});

test('no trace is no reason, and a long statement is cut', () => {
  expect(unloggedWrite([])).toBeNull();
  expect(
    unloggedWrite([{ ...form, text: `SET sql_log_bin = 0${' '.repeat(5000)}` }])?.length,
  ).toBeLessThan(400);
});

import { expect, test } from 'vitest';
import { concatBytes, utf8 } from '../../../base/bytes.ts';
import { Capability, CommandCode } from '../../../mysql-bridge/protocol/constants.ts';
import { beginsXa, isXaDecided } from '../../../proxy/core/xa-statement.ts';

function query(text: string, code: number = CommandCode.query): Uint8Array {
  return concatBytes([new Uint8Array([code]), utf8(text)]);
}

const xa = [
  "XA START 'x'",
  "xa begin 'x'",
  "Xa\tCOMMIT 'x'",
  'XA',
  'XA/**/RECOVER',
  " \n\tXA END 'x'",
  "/* a comment */ XA PREPARE 'x'",
  "-- a comment\nXA PREPARE 'x'",
  "# a comment\n--\tand another\n/**/XA PREPARE 'x'",
  "/*!XA START 'x' */",
  "/*!80000 XA START 'x' */",
];

const others = [
  '',
  'X',
  'SELECT 1',
  'XATTR',
  'xa_1: BEGIN END',
  'XAé',
  "SELECT 'XA START'",
  '/* XA START',
  '--XA START',
  '-- XA START',
  '/*!',
];

test.each(xa)('%j begins with XA (H8)', (text) => {
  expect(beginsXa(query(text), 0)).toBe(true);
  expect(beginsXa(query(text, CommandCode.stmtPrepare), Capability.queryAttributes)).toBe(true);
});

test.each(others)('%j does not', (text) => {
  expect(beginsXa(query(text), 0)).toBe(false);
});

test('attributes in front of the text are stepped over', () => {
  const none = new Uint8Array([CommandCode.query, 0, 1]);
  const one = new Uint8Array([CommandCode.query, 1, 1, 0, 1, 0xfe, 0, 1, 0x6e, 2, 0x58, 0x41]);

  for (const attributes of [none, one]) {
    const text = (sql: string): Uint8Array => concatBytes([attributes, utf8(sql)]);
    expect(beginsXa(text('XA RECOVER'), Capability.queryAttributes)).toBe(true);
    expect(beginsXa(text('SELECT 1'), Capability.queryAttributes)).toBe(false);
  }
  expect(beginsXa(one.subarray(0, 6), Capability.queryAttributes)).toBe(false);
});

test('commands without text are none', () => {
  expect(beginsXa(new Uint8Array(0), 0)).toBe(false);
  for (const code of [CommandCode.initDb, CommandCode.ping, CommandCode.stmtExecute]) {
    expect(beginsXa(query('XA RECOVER', code), 0)).toBe(false);
  }
});

test('what is undecided is so for want of bytes, and every prefix that is decided agrees with the whole', () => {
  for (const text of [...xa, ...others]) {
    const whole = query(text);
    for (let length = 1; length < whole.length; length += 1) {
      const prefix = whole.subarray(0, length);
      if (isXaDecided(prefix, 0))
        expect([text, beginsXa(prefix, 0)]).toEqual([text, beginsXa(whole, 0)]);
    }
  }
  expect(isXaDecided(query('S'), 0)).toBe(true);
  expect(isXaDecided(query('X'), 0)).toBe(false);
  expect(isXaDecided(query(' /* '), 0)).toBe(false);
});

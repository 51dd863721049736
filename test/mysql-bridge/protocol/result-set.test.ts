import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textColumn } from '../../../mysql-bridge/protocol/column-definition.ts';
import { Capability, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import { writeEof } from '../../../mysql-bridge/protocol/eof-packet.ts';
import { writeErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import { plainOk, writeOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import {
  type QueryAnswer,
  QueryAnswerReader,
  readTextRow,
  writeTextResultSet,
  writeTextRow,
} from '../../../mysql-bridge/protocol/result-set.ts';
import { text } from './arbitraries.ts';
import { capturedPayload, capturedPayloads } from './captured.ts';

const modern = Capability.deprecateEof;
const classic = 0;
const malformed = expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' });

/** The one answer in these payloads, and null for each packet before it. */
function read(
  payloads: readonly Uint8Array[],
  capabilities: number,
  rowsMax = 100,
): (QueryAnswer | null)[] {
  const reader = new QueryAnswerReader({ capabilities, rowsMax });
  return payloads.map((payload) => reader.add(payload));
}

describe('captured answers', () => {
  test('rows that end with an OK', () => {
    const answers = read(capturedPayloads('rows-deprecate-eof'), modern);

    expect(answers.slice(0, -1)).toEqual([null, null, null]);
    expect(answers.at(-1)).toMatchObject({
      kind: 'rows',
      columns: [{ name: '@@version_comment' }],
      rows: [['(Debian)']],
    });
  });

  test('rows that end with an EOF, with a NULL and a value of 300 bytes', () => {
    const answers = read(capturedPayloads('rows-classic-eof'), classic);

    expect(answers.at(-1)).toMatchObject({
      kind: 'rows',
      columns: [{ name: 'a' }, { name: 'b' }],
      rows: [
        ['a', null],
        ['z'.repeat(300), '2'],
      ],
    });
  });

  test('an error, and nothing to show', () => {
    expect(read([capturedPayload('err-syntax')], modern)).toMatchObject([
      { kind: 'err', err: { number: 1064 } },
    ]);
    expect(read([capturedPayload('ok-login')], modern)).toEqual([{ kind: 'ok', ok: plainOk }]);
  });
});

const tables = fc.integer({ min: 1, max: 6 }).chain((width) =>
  fc.record({
    names: fc.array(text, { minLength: width, maxLength: width }),
    rows: fc.array(fc.array(fc.option(text, { freq: 4 }), { minLength: width, maxLength: width }), {
      maxLength: 8,
    }),
  }),
);

test.each([
  ['an OK', modern],
  ['an EOF', classic],
])('every table comes back when %s ends it', (_, capabilities) => {
  fc.assert(
    fc.property(tables, ({ names, rows }) => {
      const columns = names.map(textColumn);
      const answers = read(writeTextResultSet({ columns, rows }, capabilities), capabilities);
      expect(answers.at(-1)).toEqual({ kind: 'rows', columns, rows });
      expect(answers.slice(0, -1).every((answer) => answer === null)).toBe(true);
    }),
  );
});

test('a row has exactly its columns', () => {
  const row = writeTextRow(['a', null, '']);

  expect([...row]).toEqual([1, 0x61, 0xfb, 0]);
  expect(readTextRow(row, 3)).toEqual(['a', null, '']);
  expect(() => readTextRow(row, 2)).toThrow(malformed);
  expect(() => readTextRow(row, 4)).toThrow(malformed);
  expect(() => readTextRow(Uint8Array.of(0xfe, ...new Uint8Array(8).fill(0xff)), 1)).toThrow(
    malformed,
  );
});

test('an error among the rows is the answer', () => {
  const begun = writeTextResultSet({ columns: [textColumn('a')], rows: [['1']] }, modern);
  const err = { number: 1317, sqlState: '70100', message: 'interrupted' };

  const answers = read([...begun.slice(0, -1), writeErr(err)], modern);

  expect(answers.at(-1)).toEqual({ kind: 'err', err });
});

test('rows past the maximum are refused, and just as many are not (HAZARDS S6)', () => {
  const rows = [['1'], ['2'], ['3']];
  const payloads = writeTextResultSet({ columns: [textColumn('a')], rows }, modern);

  expect(read(payloads, modern, 3).at(-1)).toMatchObject({ rows });
  expect(() => read(payloads, modern, 2)).toThrow(malformed);
});

describe('answers that a single statement never has are refused', () => {
  const more = ServerStatus.autocommit | ServerStatus.moreResultsExist;
  const columns = [textColumn('a')];
  const table = writeTextResultSet({ columns, rows: [] }, classic);

  test.each<[string, number, Uint8Array[]]>([
    ['a second result behind an OK', modern, [writeOk({ ...plainOk, status: more }, modern)]],
    [
      'a second result behind rows',
      classic,
      [...table.slice(0, -1), writeEof({ warnings: 0, status: more })],
    ],
    ['a request for a local file', modern, [Uint8Array.of(0xfb, 0x61)]],
    ['more columns than a server has', modern, [Uint8Array.of(0xfc, 0x01, 0x10)]],
    ['a column too many', classic, [...table.slice(0, 2), ...table.slice(1, 2)]],
    ['a packet behind the answer', modern, [writeOk(plainOk, modern), writeOk(plainOk, modern)]],
    ['an empty packet', modern, [new Uint8Array()]],
  ])('%s', (_, capabilities, payloads) => {
    expect(() => read(payloads, capabilities)).toThrow(malformed);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HistoryValue } from '../../../history/history.ts';
import { parse } from './support.ts';

const invoke = (value: string): string =>
  `{"process":0,"type":"invoke","f":"txn","value":${value}}`;

test('an array of objects and lines of objects are the same history', () => {
  const first = '{"process": 0, "type": "invoke", "f": "write", "value": 1, "time": 5}';
  const second = '{"process": 0, "type": "ok", "f": "write", "value": 1, "extra": {"a": []}}';
  const lines = parse(`${first}\n${second}\n\n`);
  expect(lines.operations).toMatchObject([{ f: 'write', input: 1, outcome: 'ok', callNanos: 5 }]);
  const array = parse(`[${first},\n${second}]`);
  expect(array).toEqual(lines);
  expect(parse('[]', { format: 'json' }).operations).toEqual([]);
});

test('keywords that kept their colon are read without it, everywhere', () => {
  const [operation] = parse(
    '{":process": 3, ":type": ":invoke", ":f": ":txn", ":value": [[":append", "x", ":)"]]}',
  ).operations;
  expect(operation).toMatchObject({ process: 3, f: 'txn', input: [['append', 'x', ':)']] });
});

test('integers beyond 2^53 stay exact', () => {
  const [operation] = parse(invoke('[9007199254740993, -1, 1e2, 0.5]')).operations;
  expect(operation?.input).toEqual([9007199254740993n, -1, 100, 0.5]);
});

test('any JSON value is read as JSON.parse reads it, in pieces of any length', () => {
  const plain = (value: unknown): HistoryValue => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === 'object' && value !== null) {
      return new Map(Object.entries(value).map(([key, held]) => [key, plain(held)]));
    }
    return value as HistoryValue;
  };
  const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => {
    const text = JSON.stringify(value);
    // Keywords lose their colon, and integers that are not exact are another test.
    return !/":[A-Za-z]/.test(text) && !/\d{16}/.test(text) && !text.includes('-0');
  });
  fc.assert(
    fc.property(json, fc.integer({ min: 1, max: 9 }), (value, pieceLength) => {
      const [operation] = parse(invoke(JSON.stringify(value)), { pieceLength }).operations;
      expect(operation?.input).toEqual(plain(value));
    }),
  );
});

const malformed: readonly (readonly ['json' | 'jsonl', string, RegExp])[] = [
  [
    'jsonl',
    '{"process": 0',
    /^line 1, column 14: what was begun in line 1 goes on with "," or ends/,
  ],
  ['jsonl', '{"process": 0}\n[]', /^line 1, column 1: an event needs :type/],
  ['jsonl', `${invoke('1')}\n[]`, /^line 2, column 1: an event is an object .* begins with "\["/],
  ['jsonl', `${invoke('1')} ${invoke('1')}`, /^line 1, column 51: more than one value in a line/],
  ['jsonl', '{"a": 1, "a": 2}', /the key "a" twice/],
  ['jsonl', '{"a" 1}', /a key is followed by ":": found "1"/],
  ['jsonl', '{a: 1}', /a key begins with ", not "a"/],
  ['jsonl', '{"a": 1,}', /a key begins with ", not "}"/],
  ['jsonl', '{"a": tru}', /tru is no JSON value/],
  ['jsonl', '{"a": 01}', /01 is no JSON value/],
  ['jsonl', '{"a": .5}', /\.5 is no JSON value/],
  ['jsonl', '{"a": "x\ny"}', /"\\n" within a string/],
  ['jsonl', '{"a": "\\x"}', /\\ before "x"/],
  ['jsonl', '{"a": }', /a value cannot begin with "}"/],
  ['json', '{"a": 1}', /a JSON history is an array of objects: found "{"/],
  ['json', `[${invoke('1')} ${invoke('1')}]`, /events are separated by ","/],
  ['json', `[${invoke('1')},]`, /an event is an object/],
  ['json', `[${invoke('1')}`, /end with "\]": found the end of the file/],
  ['json', '[] []', /text after the array/],
];

for (const [format, text, reason] of malformed) {
  test(`${JSON.stringify(text)} as ${format} is refused with its place and the reason`, () => {
    expect(() => parse(text, { format })).toThrow(reason);
    expect(() => parse(text, { format })).toThrow(
      expect.objectContaining({ code: 'HISTORY_MALFORMED' }),
    );
  });
}

test('depth and size have a maximum', () => {
  const tooLarge = expect.objectContaining({ code: 'HISTORY_TOO_LARGE' });
  expect(() => parse(invoke('['.repeat(100_000)))).toThrow(tooLarge);
  expect(() => parse(invoke('1'.repeat(100_000)))).toThrow(tooLarge);
  const limits = { elementsPerEventMax: 50, stringCharactersMax: 30 };
  expect(() => parse(invoke(`[${'1,'.repeat(60)}1]`), { limits })).toThrow(tooLarge);
  expect(() => parse(invoke(`"${'a'.repeat(31)}"`), { limits })).toThrow(tooLarge);
});

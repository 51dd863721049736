import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HistoryValue } from '../../../history/history.ts';
import { readValue } from '../../../history/parse/read-history.ts';
import { valueKey } from '../../../history/values.ts';
import { parse } from './support.ts';

const values: readonly (readonly [string, HistoryValue])[] = [
  ['nil', null],
  ['true', true],
  ['false', false],
  [':append', 'append'],
  [':nil', 'nil'],
  [':some.space/word', 'some.space/word'],
  ['a-symbol', 'a-symbol'],
  ['-', '-'],
  ['+', '+'],
  ['"a \\"quoted\\" \\\\ word\\n\\u0041"', 'a "quoted" \\ word\nA'],
  ['"over\ntwo lines"', 'over\ntwo lines'],
  ['\\a', 'a'],
  ['\\newline', '\n'],
  ['\\u0041', 'A'],
  ['0', 0],
  ['-17', -17],
  ['+17', 17],
  ['12N', 12],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['-123456789012345678901234567890N', -123456789012345678901234567890n],
  ['1.5', 1.5],
  ['1.50M', 1.5],
  ['-2e3', -2000],
  ['1/2', 0.5],
  ['-3/4', -0.75],
  ['##Inf', Number.POSITIVE_INFINITY],
  ['##-Inf', Number.NEGATIVE_INFINITY],
  ['##NaN', Number.NaN],
  ['[1, 2 [3] ()]', [1, 2, [3], []]],
  ['(1 2)', [1, 2]],
  ['#{3 1 2}', [1, 2, 3]],
  ['#{:b "a" 1}', ['a', 'b', 1]],
  [
    '{:a 1, "b" {2 nil}}',
    new Map<HistoryValue, HistoryValue>([
      ['a', 1],
      ['b', new Map([[2, null]])],
    ]),
  ],
  ['#inst "2026-01-01T00:00:00Z"', '2026-01-01T00:00:00Z'],
  ['#jepsen.history.Op{:index 0}', new Map([['index', 0]])],
  ['#a #b 1', 1],
  ['[1 #_2 #_ [3 4] 5 #_6]', [1, 5]],
  ['#_ #_ 1 2 3', 3],
  ['[1 ; the rest of the line ]\n 2]', [1, 2]],
];

for (const [text, value] of values) {
  test(`${JSON.stringify(text)} is read as what it says`, () => {
    expect(readValue(text)).toEqual(value);
  });
}

test('sets are equal whatever the order of their elements', () => {
  expect(valueKey(readValue('#{:b 1 "z" nil}'))).toBe(valueKey(readValue('#{nil "z" :b 1}')));
});

const malformed: readonly (readonly [string, RegExp])[] = [
  ['{:process 0 :type :invoke', /^line 1, column 26: the file ends within a collection .*"}"/],
  [
    '{:process 0\n :type}',
    /^line 2, column 8: a map \(begun in line 1\) with a key without a value/,
  ],
  ['{:process 0, :process 1}', /a key twice/],
  ['[{:process 0', /the file ends within a collection/],
  ['[', /the file ends within a collection of events/],
  [']', /^line 1, column 1: an event is a map .* not something that begins with "\]"/],
  ['\n\n  :read', /^line 3, column 3: an event is a map/],
  ['{:process 0 :value "abc', /within a string \(begun in line 1\)/],
  ['{:process 0 :value "a\\qc"}', /\\ before "q"/],
  ['{:process 0 :value "\\u12x4"}', /without four digits/],
  ['{:process 0 :value 12abc}', /12abc \(line 1, column 20\) is no number/],
  ['{:process 0 :value 0x1F}', /0x1F .* is no number/],
  ['{:process 0 :value 1/0}', /1\/0 .* is no number/],
  ['{:process 0 :value (1 2]}', /cannot begin with "\]"/],
  ['{:process 0 :value #"regex"}', /is not EDN/],
  ['{:process 0 :value \\wrong}', /there is no character \\wrong/],
  ['{:process 0 :value #_}', /cannot begin with "}"/],
];

for (const [text, reason] of malformed) {
  test(`${JSON.stringify(text)} is refused with its place and the reason`, () => {
    expect(() => parse(text, { format: 'edn' })).toThrow(reason);
    expect(() => parse(text, { format: 'edn' })).toThrow(
      expect.objectContaining({ code: 'HISTORY_MALFORMED' }),
    );
  });
}

test('depth, length of words and number of elements have a maximum', () => {
  const event = (value: string): string => `{:process 0 :type :invoke :f :txn :value ${value}}`;
  const tooLarge = expect.objectContaining({ code: 'HISTORY_TOO_LARGE' });
  expect(() => parse(event('['.repeat(100_000)))).toThrow(tooLarge);
  expect(() => parse(`${'#_'.repeat(100_000)}`)).toThrow(tooLarge);
  expect(() => parse(event('#a '.repeat(100_000)))).toThrow(tooLarge);
  expect(() => parse('['.repeat(100_000))).toThrow(tooLarge);
  expect(() => parse(event('1'.repeat(100_000)))).toThrow(tooLarge);
  const limits = { elementsPerEventMax: 50, stringCharactersMax: 10 };
  expect(() => parse(event(`[${'1 '.repeat(60)}]`), { limits })).toThrow(tooLarge);
  expect(() => parse(event(`"${'a'.repeat(11)}"`), { limits })).toThrow(tooLarge);
});

/** EDN as text, with the value it means. */
const arbitraryEdn: fc.Arbitrary<{ text: string; value: HistoryValue }> = fc.letrec<{
  form: { text: string; value: HistoryValue };
}>((tie) => ({
  form: fc.oneof(
    { maxDepth: 4 },
    fc.integer().map((value) => ({ text: String(value), value })),
    fc.bigInt({ min: 2n ** 60n }).map((value) => ({ text: `${value}N`, value })),
    fc.constantFrom('read', 'write', 'a.b/c').map((value) => ({ text: `:${value}`, value })),
    fc
      .string()
      .map((value) => ({ text: JSON.stringify(value).replaceAll('\\u00', '\\u00'), value })),
    fc.constant({ text: 'nil', value: null }),
    fc.array(tie('form'), { maxLength: 4 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(' ')}]`,
      value: items.map(({ value }) => value),
    })),
    tie('form').map(({ text, value }) => ({ text: `#_ ${text} #some/tag ${text}`, value })),
  ),
})).form;

test('what is written is what is read, in pieces of any length', () => {
  fc.assert(
    fc.property(arbitraryEdn, fc.integer({ min: 1, max: 9 }), ({ text, value }, pieceLength) => {
      const line = `{:process 0, :type :invoke, :f :txn, :value ${text}}`;
      const [operation] = parse(line, { pieceLength, format: 'edn' }).operations;
      expect(operation?.input).toEqual(value);
    }),
  );
});

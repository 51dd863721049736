import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OperationalError } from '../../../base/errors.ts';
import { checkHistory } from '../../../history/check-history.ts';
import { guessFormat, historyFormats, readHistory } from '../../../history/parse/read-history.ts';
import { withTextFile } from '../../../history/parse/text-file.ts';
import { parse } from './support.ts';

const testdata = new URL('../testdata/', import.meta.url).pathname;
const examples = new URL('../../../examples/histories/', import.meta.url).pathname;

test('calls and ends become operations in the order of their calls', () => {
  const { operations, nemesis } = parse(`
    {:process 0, :type :invoke, :f :write, :value 1, :time 10}
    {:process 1, :type :invoke, :f :read, :value nil, :time 20}
    {:process :nemesis, :type :info, :f :kill, :value :n1}
    {:process 1, :type :ok, :f :read, :value 1, :time 30}
    {:process :nemesis, :type :info, :f :kill, :value :killed}
    {:process 0, :type :info, :f :write, :value 1, :error :timeout}
    {:process 2, :type :invoke, :f :read, :value nil}`);
  expect(operations).toMatchObject([
    {
      index: 0,
      process: 0,
      f: 'write',
      outcome: 'info',
      callAt: 0,
      endAt: 5,
      callLine: 2,
      endLine: 7,
    },
    {
      index: 1,
      process: 1,
      f: 'read',
      outcome: 'ok',
      output: 1,
      callAt: 1,
      endAt: 3,
      endNanos: 30,
    },
    { index: 2, process: 2, outcome: 'info', endAt: Number.POSITIVE_INFINITY, endLine: null },
  ]);
  expect(nemesis).toMatchObject([{ process: 'nemesis', f: 'kill', callAt: 2, endAt: 4 }]);
});

const impossible: readonly (readonly [string, RegExp])[] = [
  ['{:process 3 :type :ok :f :read}', /^line 1: :ok without :invoke by process 3$/],
  [
    '{:process 3 :type :invoke :f :read}\n{:process 3 :type :invoke :f :read}',
    /^line 2: :invoke by process 3 while its read of line 1 has not ended$/,
  ],
  [
    '{:process 3 :type :invoke :f :read}\n{:process 3 :type :ok :f :write}',
    /^line 2: :ok of write by process 3, which had called read in line 1$/,
  ],
  ['{:type :ok :f :read}', /^line 1, column 1: an event needs :process, .* not nil/],
  ['{:process 1.5 :type :ok :f :read}', /needs :process, .* not 1\.5/],
  ['{:process 0 :f :read}', /needs :type, one of :invoke, :ok, :fail, :info, not nil/],
  ['{:process 0 :type :done :f :read}', /needs :type, .* not done/],
  ['\n {:process 0 :type :ok}', /^line 2, column 2: an event needs :f, a name, not nil/],
  [
    '{:index 5 :process 0 :type :invoke :f :read}\n{:index 4 :process 1 :type :invoke :f :read}',
    /^line 2: :index 4 after :index 5: events must be in the order/,
  ],
];

for (const [text, reason] of impossible) {
  test(`events that no clients can have had are refused: ${JSON.stringify(text)}`, () => {
    expect(() => parse(text)).toThrow(reason);
  });
}

test('the number of events and the memory they take have a maximum', () => {
  const event =
    '{:process 0 :type :invoke :f :write :value "a long value"}\n{:process 0 :type :ok :f :write}\n';
  const tooLarge = expect.objectContaining({ code: 'HISTORY_TOO_LARGE', line: 11 });
  expect(() => parse(event.repeat(9), { limits: { eventsMax: 10 } })).toThrow(tooLarge);
  expect(() => parse(event.repeat(9), { limits: { heldBytesMax: 2200 } })).toThrow(tooLarge);
});

const beginnings: readonly (readonly [string, string, string])[] = [
  ['[{"process"', 'x.txt', 'json'],
  [' {"process"', 'x.json', 'jsonl'],
  ['{:process', 'x.json', 'edn'],
  ['[\n{:process', '', 'edn'],
  ['; a comment', '', 'edn'],
  ['#jepsen.history.Op{', '', 'edn'],
  ['[]', 'x.json', 'json'],
  ['', 'x.ndjson', 'jsonl'],
  ['', '', 'edn'],
];

for (const [text, name, format] of beginnings) {
  test(`${JSON.stringify(text)} in a file ${JSON.stringify(name)} is taken for ${format}`, () => {
    expect(guessFormat(text, name)).toBe(format);
  });
}

/** Pieces of histories put together anyhow: nearly right, which finds more than noise does. */
const arbitraryText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '{',
          '}',
          '[',
          ']',
          '(',
          ')',
          '#',
          '#{',
          '#_',
          '#tag ',
          '##Inf',
          '"',
          '\\',
          ';',
          '\n',
          ',',
        ],
        ...[
          ':process 0 ',
          ':type :invoke ',
          ':f :read ',
          ':value nil ',
          ':type :ok ',
          '1/0 ',
          '-',
          '\\u00',
        ],
        ...[
          '"process":0',
          '"type":"invoke"',
          '"f":"read"',
          '"value":null',
          ':',
          'tru',
          '1e',
          '\u0000',
        ],
        '{:process 0 :type :invoke :f :read :value 1}',
        '{"process":0,"type":"ok","f":"read","value":1}',
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join('')),
);

test('whatever the text, it is a history or refused with a code of ours', () => {
  const outcomes = { read: 0, refused: 0 };
  fc.assert(
    fc.property(arbitraryText, fc.constantFrom(...historyFormats), (text, format) => {
      try {
        parse(text, { format, pieceLength: 3 });
        outcomes.read += 1;
      } catch (thrown) {
        outcomes.refused += 1;
        expect(thrown).toBeInstanceOf(OperationalError);
        expect(thrown).toHaveProperty('code', expect.stringMatching(/^HISTORY_/));
      }
    }),
    { numRuns: 4000 },
  );
  expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(30);
});

for (const folder of [testdata, examples]) {
  for (const name of readdirSync(folder).filter((file) => /\.(?:edn|json|jsonl)$/.test(file))) {
    test(`the history ${name} is judged as its name says`, async () => {
      const history = withTextFile(folder + name, (source) => readHistory(source, { name }));
      const { verdict, model } = await checkHistory(history);
      expect(verdict.kind).toBe(/-valid\./.test(name) ? 'valid' : 'invalid');
      expect(name.startsWith(model)).toBe(true);
      if (verdict.kind !== 'invalid') return;
      expect(verdict.anomalies.some((anomaly) => name.includes(anomaly.name))).toBe(true);
    });
  }
}

test('a file that is not there, is a folder, or is not UTF-8 is refused', () => {
  const read = (path: string): unknown => withTextFile(path, (source) => readHistory(source));
  const refused = expect.objectContaining({ code: 'HISTORY_FILE' });
  expect(() => read(`${testdata}no-such-file.edn`)).toThrow(refused);
  expect(() => read(testdata)).toThrow(refused);
  expect(() => read(`${testdata}not-utf-8.bin`)).toThrow(refused);
});

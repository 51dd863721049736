import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HistoryValue } from '../../../history/history.ts';
import { readHistory } from '../../../history/parse/read-history.ts';
import { valuesEqual } from '../../../history/values.ts';
import { ednLine, jsonLine, type WrittenEvent } from '../../../history/write/event-writer.ts';

const event: WrittenEvent = {
  process: 3,
  type: 'ok',
  f: 'txn',
  value: [
    ['append', 1, 2],
    ['r', 1, [2]],
  ],
  timeNanos: 17,
  index: 1,
  extra: { node: 'n2' },
};

test('an event is a line of EDN as Jepsen and Elle write it', () => {
  expect(ednLine(event)).toBe(
    '{:process 3, :type :ok, :f :txn, :value [[:append 1 2] [:r 1 [2]]], :time 17, :index 1, :node "n2"}',
  );
});

test('an event is a line of JSON', () => {
  expect(jsonLine(event)).toBe(
    '{"index":1,"process":3,"type":"ok","f":"txn","time":17,"node":"n2","value":[["append",1,2],["r",1,[2]]]}',
  );
});

const texts = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.startsWith(':'));
const { value: values } = fc.letrec<{ value: HistoryValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.bigInt({ min: 1n << 60n, max: 1n << 70n }),
    texts,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(texts, tie('value')), { selector: ([key]) => key, maxLength: 3 })
      .map((entries): HistoryValue => new Map(entries)),
  ),
}));

test('what is written is read again, in both forms', () => {
  fc.assert(
    fc.property(values, (value) => {
      for (const [write, format] of [
        [ednLine, 'edn'],
        [jsonLine, 'jsonl'],
      ] as const) {
        const call = write({ ...event, type: 'invoke', f: 'write', value, index: 0 });
        const end = write({ ...event, f: 'write', value });
        const pieces = [`${call}\n${end}\n`];
        const { operations } = readHistory(() => pieces.pop() ?? null, { format });
        expect(operations.map(({ outcome }) => outcome)).toEqual(['ok']);
        expect(valuesEqual(operations[0]?.input ?? null, value)).toBe(true);
        expect(operations[0]?.endNanos).toBe(17);
      }
    }),
  );
});

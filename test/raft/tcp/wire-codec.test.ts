import fc from 'fast-check';
import { pack } from 'msgpackr';
import { expect, test } from 'vitest';
import { utf8 } from '../../../base/bytes.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { logIndex, term } from '../../../raft/core/types.ts';
import { decodeFrame, encodeFrame, wireBytes } from '../../../raft/tcp/wire-codec.ts';
import { packValues, unpackValues, WireFault } from '../../../raft/tcp/wire-values.ts';
import { message } from './wire-arbitraries.ts';

test('every message comes back as it was sent', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
      expect(decodeFrame(encodeFrame(messages))).toEqual({ kind: 'messages', messages });
    }),
  );
});

test('the size a message is counted with is never less than what it takes', () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(wireBytes(sent)).toBeGreaterThanOrEqual(encodeFrame([sent]).length);
    }),
  );
});

test('a frame that was cut anywhere is refused', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), fc.nat(), (messages, place) => {
      const frame = encodeFrame(messages);

      expect(decodeFrame(frame.subarray(0, place % frame.length)).kind).toBe('malformed');
    }),
  );
});

test('a frame with flipped bits is refused or is another valid frame, never a throw', () => {
  const flip = fc.record({ at: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) });
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 3 }),
      flip,
      (messages, { at, mask }) => {
        const frame = Uint8Array.from(encodeFrame(messages));
        const place = at % frame.length;
        frame[place] = (frame[place] ?? 0) ^ mask;

        const decoded = decodeFrame(frame);

        if (decoded.kind === 'messages') {
          expect(decodeFrame(encodeFrame(decoded.messages))).toEqual(decoded);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('any bytes are refused or understood, never a throw (S1)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(['messages', 'malformed']).toContain(decodeFrame(bytes).kind);
    }),
    { numRuns: 1000 },
  );
});

test('a small frame that claims much does not make the decoder reserve it (S1)', () => {
  const claims4GiOfValues = Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff]);
  const claims2GiOfBytes = Uint8Array.from([0x91, 0xc6, 0x7f, 0xff, 0xff, 0xff]);
  const nested = new Uint8Array(1000).fill(0x91);

  expect(decodeFrame(claims4GiOfValues)).toMatchObject({ kind: 'malformed' });
  expect(decodeFrame(claims2GiOfBytes)).toMatchObject({ kind: 'malformed' });
  expect(decodeFrame(nested)).toMatchObject({ kind: 'malformed' });
});

test('what would be made of a frame is bounded by its values, not its bytes alone (S1)', () => {
  const smallest = Array.from({ length: 400_000 }, () => [2, 1, new Uint8Array(0)]).flat();

  expect(decodeFrame(pack([append([2, 7], smallest)]))).toMatchObject({
    reason: 'more than 1000000 values',
  });
});

const append = (previous: readonly [number, number], entries: readonly unknown[]): unknown => [
  ...[5, 3, ...previous, 0, 0],
  entries,
];

test.each([
  ['an unknown tag', [99, 1]],
  ['a term that is no number', [8, 'x']],
  ['a negative term', [8, -1]],
  ['a term that is no whole number', [8, 1.5]],
  ['a term past what a double holds', [8, 2 ** 60]],
  ['a field too many', [8, 1, 1]],
  ['a field too few', [2, 1]],
  ['a vote that is no boolean', [4, 1, 1]],
  ['a log newer than the term of the request', [3, 1, 2, 5, false]],
  ['an entry of term 0 that is not the one before the first', [3, 1, 0, 5, false]],
  ['entries whose terms go down', append([2, 7], [1, 1, new Uint8Array(1)])],
  ['entries of a term to come', append([2, 7], [4, 1, new Uint8Array(1)])],
  ['an entry of an unknown kind', append([2, 7], [2, 9, new Uint8Array(1)])],
  ['a payload that is text', append([2, 7], [2, 1, 'text'])],
  ['an entry cut short', append([2, 7], [2, 1])],
  ['an index past the last one', append([2, Number.MAX_SAFE_INTEGER], [2, 1, new Uint8Array(1)])],
  ['a conflict behind the entry asked for', [7, 3, 0, 0, 5, 2, 6]],
  ['a message that is no array', 'hello'],
])('refuses %s', (_what, tuple) => {
  expect(decodeFrame(pack([tuple]))).toMatchObject({ kind: 'malformed' });
});

test('bytes behind a frame are refused', () => {
  const frame = encodeFrame([{ kind: 'timeout-now', term: term(1) }]);

  expect(decodeFrame(Uint8Array.of(...frame, 0))).toMatchObject({ reason: '1 bytes too many' });
});

test('numbers, texts and bytes of all lengths that the encoder knows are read', () => {
  const texts = [0, 31, 32, 255, 256, 65_535, 65_536].map((length) => 'x'.repeat(length));
  const values = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  const reader = unpackValues(packValues([values, texts, texts.map(utf8), [null, true, false]]), {
    valuesMax: 1000,
  });

  const numbers = reader.tuple();
  for (const value of values) expect(numbers.natural()).toBe(value);
  const strings = reader.tuple();
  for (const text of texts) expect(strings.text()).toBe(text);
  const blobs = reader.tuple();
  for (const text of texts) expect(blobs.bytes()).toEqual(utf8(text));
  const others = reader.tuple();
  expect([others.isNil(), others.isNil(), others.boolean(), others.boolean()]).toEqual([
    ...[true, false, true, false],
  ]);
  reader.end();
  expect(() => others.natural()).toThrow(WireFault);
});

test('extension types of the encoding are refused, whatever they would decode to', () => {
  for (const value of [new Date(0), new Map([[1, 2]]), { a: 1 }, 1n << 60n, /x/, new Error('x')]) {
    expect(decodeFrame(pack([[8, value]]))).toMatchObject({ kind: 'malformed' });
  }
});

test('numbers that leave a node nowhere to go from are refused: the next term or index must exist', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const preVote = (ofTerm: number, index: number): Message => ({
    kind: 'pre-vote-request',
    term: term(ofTerm),
    last: { term: term(1), index: logIndex(index) },
    appliedIndex: logIndex(0),
  });
  const meta = { last: { term: term(1), index: logIndex(most) }, membership: null };

  expect(decodeFrame(encodeFrame([preVote(most, 1)])).kind).toBe('malformed');
  expect(decodeFrame(encodeFrame([preVote(1, most)])).kind).toBe('malformed');
  const offer: Message = { kind: 'install-snapshot', term: term(1), meta };
  expect(decodeFrame(encodeFrame([offer])).kind).toBe('malformed');
  expect(decodeFrame(encodeFrame([preVote(2 ** 51, 2 ** 51)])).kind).toBe('messages');
});

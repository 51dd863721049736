import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { FrameKind, FrameReader, frameOf } from '../../../raft/tcp/frame-reader.ts';

const frames = fc.array(
  fc.record({ kind: fc.integer({ min: 0, max: 255 }), content: fc.uint8Array({ maxLength: 40 }) }),
  { maxLength: 8 },
);

/** The same bytes, in pieces of these lengths, over and over. */
function pieces(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1;
    cut.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return cut;
}

test('frames come out as they went in, however a socket cuts them', () => {
  fc.assert(
    fc.property(
      frames,
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
      (sent, lengths) => {
        const bytes = concatBytes(sent.map(({ kind, content }) => frameOf(kind, content)));
        const reader = new FrameReader(40);
        const received: { kind: number; content: Uint8Array }[] = [];
        for (const piece of pieces(bytes, lengths)) {
          const fault = reader.push(piece, (kind, content) => {
            received.push({ kind, content: Uint8Array.from(content) });
          });
          expect(fault).toBeNull();
        }
        expect(received).toEqual(sent);
      },
    ),
  );
});

test('a header that claims more than may come is a fault before anything of it is here (S1)', () => {
  const reader = new FrameReader(10);
  const taken: number[] = [];
  const whole = frameOf(FrameKind.ping, new Uint8Array(10));
  const tooLarge = frameOf(FrameKind.messages, new Uint8Array(11)).subarray(0, 5);

  const fault = reader.push(concatBytes([whole, tooLarge]), (kind) => taken.push(kind));

  expect(taken).toEqual([FrameKind.ping]);
  expect(fault).toBe('a frame of 11 bytes, where 10 are the most');
});

test('lengths past two gigabytes are lengths, too', () => {
  const header = Uint8Array.of(0xff, 0xff, 0xff, 0xff, FrameKind.messages);

  expect(new FrameReader(2 ** 26).push(header, () => undefined)).toContain('4294967295 bytes');
});

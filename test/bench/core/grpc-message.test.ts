import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeGrpcMessage, GrpcMessageReader } from '../../../bench/core/grpc-message.ts';

test('a message is whole again however its bytes were cut', () => {
  const cuts = fc.array(fc.nat({ max: 300 }), { maxLength: 6 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (message, places) => {
      const bytes = encodeGrpcMessage(message);
      const ends = [...places.filter((place) => place < bytes.length), bytes.length].sort(
        (left, right) => left - right,
      );
      const reader = new GrpcMessageReader({ bytesMax: 300 });
      const states = ends.map((end, at) => reader.add(bytes.subarray(ends[at - 1] ?? 0, end)));
      const found = states.find((state) => state.kind !== 'incomplete');
      expect(found).toEqual({ kind: 'message', message });
    }),
  );
});

test('a message is refused for its length before there is room for it', () => {
  const reader = new GrpcMessageReader({ bytesMax: 10 });
  const [prefix] = [encodeGrpcMessage(new Uint8Array(11)).subarray(0, 5)];
  expect(reader.add(prefix)).toEqual({ kind: 'fault', reason: 'too-large' });
});

test('a compressed message, and bytes behind the only one, are refused', () => {
  const compressed = encodeGrpcMessage(Uint8Array.of(1)).with(0, 1);
  const reader = (): GrpcMessageReader => new GrpcMessageReader({ bytesMax: 10 });
  expect(reader().add(compressed)).toEqual({ kind: 'fault', reason: 'compressed' });
  const surplus = Uint8Array.of(...encodeGrpcMessage(Uint8Array.of(1)), 2);
  expect(reader().add(surplus)).toEqual({ kind: 'fault', reason: 'surplus' });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logIndex, nodeId, term } from '../../../raft/core/types.ts';
import { encodeHello } from '../../../raft/tcp/handshake.ts';
import {
  decodeSnapshotFrame,
  decodeSnapshotRequest,
  encodeSnapshotFrame,
  encodeSnapshotRequest,
  type SnapshotFrame,
} from '../../../raft/tcp/snapshot-frames.ts';
import { wireVersion } from '../../../raft/tcp/wire-codec.ts';

const natural = fc.oneof(fc.nat(300), fc.integer({ min: 1, max: 2 ** 50 }));
const text = fc.string({ unit: 'grapheme', maxLength: 40 });

const frames = fc.oneof<fc.Arbitrary<SnapshotFrame>[]>(
  fc.record({ kind: fc.constant('refusal' as const), reason: text, detail: text }),
  fc.record({
    kind: fc.constant('chunk' as const),
    offset: natural,
    bytes: fc.uint8Array({ maxLength: 200 }),
  }),
  fc.record({ kind: fc.constant('end' as const), bytes: natural, checksum: fc.nat(2 ** 31 - 1) }),
);

test('every frame of a snapshot gives back what was put in', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decodeSnapshotFrame(encodeSnapshotFrame(frame))).toEqual(frame);
    }),
  );
});

test('a request gives back what was put in', () => {
  const hello = {
    wireVersion,
    ...{ clusterId: 'c', fingerprint: 'f', initialMembers: '', address: null },
    ...{ from: nodeId('n1'), to: nodeId('n2') },
  };
  fc.assert(
    fc.property(natural, natural, natural, (ofTerm, index, offset) => {
      const last = { term: term(ofTerm), index: logIndex(index) };
      const bytes = encodeSnapshotRequest(hello, { last, membership: null }, offset);

      expect(decodeSnapshotRequest(bytes)).toEqual({
        hello: Uint8Array.from(encodeHello(hello)),
        last,
        offset,
      });
    }),
  );
});

test('any other bytes are nothing, and never an exception (S1)', () => {
  const whole = frames.map(encodeSnapshotFrame);
  const changed = fc
    .tuple(whole, fc.nat(), fc.nat(255))
    .map(([bytes, place, value]) =>
      bytes.map((byte, at) => (at === place % bytes.length ? value : byte)),
    );
  const cut = fc
    .tuple(whole, fc.nat())
    .map(([bytes, end]) => bytes.subarray(0, end % bytes.length));
  const any = fc.oneof(fc.uint8Array({ maxLength: 300 }), changed, cut);
  fc.assert(
    fc.property(any, (bytes) => {
      const frame = decodeSnapshotFrame(bytes);
      const request = decodeSnapshotRequest(bytes);

      expect(frame === null || ['refusal', 'chunk', 'end'].includes(frame.kind)).toBe(true);
      expect(request === null || request.offset >= 0).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

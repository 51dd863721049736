import fc from 'fast-check';
import { pack } from 'msgpackr';
import { expect, test } from 'vitest';
import {
  decodeAnswer,
  encodeAnswer,
  encodeHello,
  type Hello,
  judgeHello,
} from '../../../raft/grpc/handshake.ts';
import { wireVersion } from '../../../raft/grpc/wire-codec.ts';
import { n1, n2, n3 } from '../shell-fakes.ts';

const here = { clusterId: 'c1', fingerprint: 'f1', self: n1, peers: [n2] };
const hello: Hello = { wireVersion, clusterId: 'c1', fingerprint: 'f1', from: n2, to: n1 };

test('a member of the same cluster and configuration is accepted', () => {
  expect(judgeHello(encodeHello(hello), here)).toEqual({ kind: 'accepted', from: n2 });
});

test.each([
  ['wire-version', { ...hello, wireVersion: wireVersion + 1 }],
  ['cluster-id', { ...hello, clusterId: 'c2' }],
  ['config-fingerprint', { ...hello, fingerprint: 'f2' }],
  ['wrong-node', { ...hello, to: n3 }],
  ['unknown-node', { ...hello, from: n3 }],
] as const)('a hello is refused for its %s (I12, R3)', (reason, wrong) => {
  expect(judgeHello(encodeHello(wrong), here)).toMatchObject({ kind: 'refused', reason });
});

test('a hello of a later version is refused for the version, whatever else it holds', () => {
  expect(judgeHello(pack(['binraft', wireVersion + 1, null]), here)).toMatchObject({
    reason: 'wire-version',
  });
});

test('any bytes are judged, never a throw (S1)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      expect(judgeHello(bytes, here)).toMatchObject({ kind: 'refused', reason: 'malformed' });
      expect(decodeAnswer(bytes).kind).toMatch(/accepted|refused/);
    }),
  );
});

test('answers come back as they were given', () => {
  const refusal = { kind: 'refused', reason: 'cluster-id', detail: 'c2 called c1' } as const;

  expect(decodeAnswer(encodeAnswer(refusal))).toEqual(refusal);
  expect(decodeAnswer(encodeAnswer({ kind: 'accepted' }))).toEqual({ kind: 'accepted' });
});

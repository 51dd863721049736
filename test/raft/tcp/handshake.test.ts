import fc from 'fast-check';
import { pack } from 'msgpackr';
import { expect, test } from 'vitest';
import {
  decodeAnswer,
  encodeAnswer,
  encodeHello,
  type Hello,
  judgeHello,
} from '../../../raft/tcp/handshake.ts';
import { wireVersion } from '../../../raft/tcp/wire-codec.ts';
import { n1, n2, n3 } from '../shell-fakes.ts';

const cluster = { clusterId: 'c1', fingerprint: 'f1', initialMembers: 'm1' };
const here = { ...cluster, self: n1 };
const address = { host: '10.0.0.2', port: 7204 };
const hello: Hello = { wireVersion, ...cluster, from: n2, to: n1, address };

test('a node of the same cluster and settings is accepted, and says where it is', () => {
  expect(judgeHello(encodeHello(hello), here)).toEqual({ kind: 'accepted', from: n2, address });
  expect(judgeHello(encodeHello({ ...hello, address: null }), here)).toEqual({
    kind: 'accepted',
    from: n2,
    address: null,
  });
});

test('whom a cluster began with matters only while both sides have nothing newer', () => {
  const other = { ...hello, initialMembers: 'm2' };

  expect(judgeHello(encodeHello(other), here)).toMatchObject({ reason: 'initial-members' });
  expect(judgeHello(encodeHello(other), { ...here, initialMembers: '' }).kind).toBe('accepted');
  expect(judgeHello(encodeHello({ ...hello, initialMembers: '' }), here).kind).toBe('accepted');
});

test('a node that calls itself is refused', () => {
  expect(judgeHello(encodeHello({ ...hello, from: n1 }), here)).toMatchObject({
    reason: 'wrong-node',
  });
});

test.each([
  ['wire-version', { ...hello, wireVersion: wireVersion + 1 }],
  ['cluster-id', { ...hello, clusterId: 'c2' }],
  ['config-fingerprint', { ...hello, fingerprint: 'f2' }],
  ['wrong-node', { ...hello, to: n3 }],
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

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fastAuthProof,
  isFastAuthProof,
  maskPassword,
  passwordDigest,
  publicKeyRequest,
  type Sha256,
  unmaskPassword,
} from '../../../../mysql-bridge/protocol/auth/caching-sha2-password.ts';
import { capturedPayload } from '../captured.ts';

// Goal: both sides agree on a password and on nothing else. Method: a vector worked out by another implementation of SHA-256, and
// passwords and nonces at random. The agreement with a real server is for the integration tests.

const sha256: Sha256 = (parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
/** 1 … 20 */
const nonce = Uint8Array.from({ length: 20 }, (_, index) => index + 1);

const passwords = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isPassword);
/** As a server makes them: no byte of it is zero. */
const nonces = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytes.map(notZero));

function isPassword(text: string): boolean {
  return !text.includes('\0');
}

function notZero(byte: number): number {
  return byte === 0 ? 1 : byte;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('the proof and the digest of a known password are the known ones', () => {
  expect(hex(fastAuthProof('secret', nonce, sha256))).toBe(
    '746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9',
  );
  expect(hex(passwordDigest('secret', sha256))).toBe(
    '3881219d087dd9c634373fd33dfa33a2cb6bfc6c520b64b8bb60ef2ceb534ae7',
  );
});

test('the request for the public key is the captured one', () => {
  expect(publicKeyRequest).toEqual(capturedPayload('public-key-request'));
});

test('a server accepts the proof of its password, and no other proof, nonce, or length', () => {
  fc.assert(
    fc.property(passwords, passwords, nonces, nonces, (password, other, first, second) => {
      fc.pre(password !== other && hex(first) !== hex(second));
      const digest = passwordDigest(password, sha256);
      const accepts = (given: Uint8Array): boolean =>
        isFastAuthProof({ proof: given, nonce: first, digest, sha256 });
      const proof = fastAuthProof(password, first, sha256);

      expect(accepts(proof)).toBe(true);
      expect(accepts(fastAuthProof(other, first, sha256))).toBe(false);
      expect(accepts(fastAuthProof(password, second, sha256))).toBe(false);
      expect(accepts(proof.subarray(0, 31))).toBe(false);
      expect(accepts(new Uint8Array(32))).toBe(false);
      expect(accepts(new Uint8Array(0))).toBe(false);
    }),
  );
});

test('an empty password has an empty proof, and that opens no account with a password', () => {
  const proof = fastAuthProof('', nonce, sha256);

  expect(proof).toHaveLength(0);
  expect(isFastAuthProof({ proof, nonce, digest: passwordDigest('secret', sha256), sha256 })).toBe(
    false,
  );
});

test('a masked password, longer than the nonce too, comes back under the same nonce', () => {
  expect(hex(maskPassword('secret', nonce))).toBe('72676076607207');
  fc.assert(
    fc.property(passwords, nonces, (password, mask) => {
      expect(unmaskPassword(maskPassword(password, mask), mask)).toBe(password);
    }),
  );
});

test('what does not end with its one zero byte is no password', () => {
  expect(unmaskPassword(nonce, nonce)).toBeNull();
  expect(unmaskPassword(new Uint8Array(3), nonce)).toBeNull();
  expect(unmaskPassword(new Uint8Array(0), nonce)).toBeNull();
});

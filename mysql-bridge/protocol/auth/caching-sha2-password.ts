import { fromUtf8, utf8 } from '../../../base/bytes.ts';

/**
 * The plug-in `caching_sha2_password`, both sides. `MySQL: Caching SHA-2 Pluggable Authentication`, and the comment in
 * `sql/auth/sha2_password.cc`. Fast: the client proves that it knows the password to a server that has its double hash in
 * memory. Full, when it has not: the password itself is sent, encrypted with the server's RSA key when there is no TLS.
 */
export const cachingSha2Password = 'caching_sha2_password';

/** SHA-256 over the parts in order: given by the caller, as this folder has no cryptography of its own. */
export type Sha256 = (parts: readonly Uint8Array[]) => Uint8Array;

/** What one `AuthMoreData` byte of this plug-in means. */
export const FastAuthResult = { success: 0x03, fullAuthRequired: 0x04 } as const;

/** The client's message that asks for the server's RSA public key (answered in PEM form). */
export const publicKeyRequest: Uint8Array = Uint8Array.of(0x02);

/** SHA256(SHA256(password)): what a server keeps to check fast authentication. */
export function passwordDigest(password: string, sha256: Sha256): Uint8Array {
  return sha256([sha256([utf8(password)])]);
}

/** The client's proof: SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce); empty without a password. */
export function fastAuthProof(password: string, nonce: Uint8Array, sha256: Sha256): Uint8Array {
  if (password === '') return new Uint8Array(0);
  const once = sha256([utf8(password)]);
  return xorRepeating(once, sha256([sha256([once]), nonce]));
}

/** The server's check of a proof, in a time that does not depend on where the proof is wrong. */
export function isFastAuthProof(options: {
  readonly proof: Uint8Array;
  readonly nonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly sha256: Sha256;
}): boolean {
  const { proof, nonce, digest, sha256 } = options;
  const mask = sha256([digest, nonce]);
  if (proof.length !== mask.length) return false;
  return equalInConstantTime(sha256([xorRepeating(proof, mask)]), digest);
}

/** The password with its closing zero byte, XOR the nonce: what is then encrypted with the server's public key. */
export function maskPassword(password: string, nonce: Uint8Array): Uint8Array {
  return xorRepeating(utf8(`${password}\0`), nonce);
}

/** The inverse of `maskPassword`; null when no password can have given these bytes. */
export function unmaskPassword(masked: Uint8Array, nonce: Uint8Array): string | null {
  const clear = xorRepeating(masked, nonce);
  if (clear.length === 0 || clear.indexOf(0) !== clear.length - 1) return null;
  return fromUtf8(clear.subarray(0, -1));
}

function xorRepeating(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => byte ^ (mask[index % mask.length] ?? 0));
}

function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index += 1) {
    difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  }
  return difference === 0;
}

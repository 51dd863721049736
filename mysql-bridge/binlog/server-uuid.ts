import { assert } from '../../base/assert.ts';
import { isServerUuid } from './gtid.ts';

/** Bytes of a server UUID on the wire and in files. */
export const serverUuidBytes = 16;

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);
const dashesBefore: ReadonlySet<number> = new Set([4, 6, 8, 10]);

export function encodeServerUuid(uuid: string): Uint8Array {
  assert(isServerUuid(uuid), `${JSON.stringify(uuid)} is no server uuid`);
  const digits = uuid.replaceAll('-', '');
  return Uint8Array.from({ length: serverUuidBytes }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}

export function decodeServerUuid(bytes: Uint8Array): string {
  assert(bytes.length === serverUuidBytes, `${bytes.length} bytes are no server uuid`);
  let text = '';
  bytes.forEach((byte, index) => {
    text += (dashesBefore.has(index) ? '-' : '') + (hexOfByte[byte] ?? '');
  });
  return text;
}

import { assert } from '../../base/assert.ts';
import { bytesEqual } from '../../base/bytes.ts';
import { isServerUuid } from './gtid.ts';

/** Bytes of a server UUID on the wire and in files. */
export const serverUuidBytes = 16;

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);
const dashesBefore: ReadonlySet<number> = new Set([4, 6, 8, 10]);

export function encodeServerUuid(uuid: string): Uint8Array {
  assert(isServerUuid(uuid), `${JSON.stringify(uuid)} is no server uuid`);
  const bytes = new Uint8Array(serverUuidBytes);
  let at = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    if (dashesBefore.has(index)) at += 1;
    bytes[index] = (hexDigit(uuid.charCodeAt(at)) << 4) | hexDigit(uuid.charCodeAt(at + 1));
    at += 2;
  }
  return bytes;
}

/** The last answer: the transactions of a log come from one server for as long as it leads. */
let newest = {
  bytes: new Uint8Array(serverUuidBytes),
  text: textOf(new Uint8Array(serverUuidBytes)),
};

export function decodeServerUuid(bytes: Uint8Array): string {
  assert(bytes.length === serverUuidBytes, `${bytes.length} bytes are no server uuid`);
  if (!bytesEqual(bytes, newest.bytes))
    newest = { bytes: new Uint8Array(bytes), text: textOf(bytes) };
  return newest.text;
}

function textOf(bytes: Uint8Array): string {
  let text = '';
  bytes.forEach((byte, index) => {
    text += (dashesBefore.has(index) ? '-' : '') + (hexOfByte[byte] ?? '');
  });
  return text;
}

const charCode = { zero: 0x30, nine: 0x39, a: 0x61 } as const;

/** Of a digit that is known to be one, in lower case: every transaction passes here. */
function hexDigit(code: number): number {
  return code <= charCode.nine ? code - charCode.zero : code - charCode.a + 10;
}

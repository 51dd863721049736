import { ByteWriter, concatBytes, utf8 } from '../../../base/bytes.ts';
import { Capability, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import { writeErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import { writeGreeting, writeHandshakeResponse } from '../../../mysql-bridge/protocol/handshake.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';

// What client and server say, as wire bytes.

export const modern: number =
  Capability.protocol41 |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.multiStatements |
  Capability.multiResults |
  Capability.localFiles |
  Capability.deprecateEof;
/** As a client of before 5.7: EOF packets end columns and rows. */
export const classic: number = modern & ~Capability.deprecateEof;

export const greetingConnectionId = 42;

export function greeting(capabilities: number = modern | Capability.ssl): Uint8Array {
  const payload = writeGreeting({
    serverVersion: '9.7.4',
    connectionId: greetingConnectionId,
    nonce: new Uint8Array(20).fill(7),
    capabilities,
    characterSet: 255,
    status: ServerStatus.autocommit,
    authPlugin: 'caching_sha2_password',
  });
  return encodePacket(payload, 0);
}

export function answer(capabilities: number = modern, user = 'app'): Uint8Array {
  const payload = writeHandshakeResponse({
    capabilities,
    packetBytesMax: 1 << 24,
    characterSet: 45,
    user,
    authResponse: new Uint8Array(32).fill(3),
    database: null,
    authPlugin: 'caching_sha2_password',
    attributes: [],
  });
  return encodePacket(payload, 1);
}

export function command(code: number, body: string | Uint8Array = ''): Uint8Array {
  const bytes = typeof body === 'string' ? utf8(body) : body;
  return encodePacket(concatBytes([new Uint8Array([code]), bytes]), 0);
}

export function query(text: string): Uint8Array {
  return command(0x03, text);
}

/** Writes a response packet by packet, numbered from 1 (or where a log-in has got to). */
export class Response {
  readonly #capabilities: number;
  readonly #packets: Uint8Array[] = [];
  #sequence: number;

  constructor(capabilities: number, sequence = 1) {
    this.#capabilities = capabilities;
    this.#sequence = sequence;
  }

  ok(status: number = ServerStatus.autocommit): this {
    return this.raw(okBody(0x00, status));
  }

  /** What ends rows: EOF, or an OK with its header. */
  end(status: number = ServerStatus.autocommit): this {
    return this.#isModern ? this.raw(okBody(0xfe, status)) : this.eof(status);
  }

  eof(status: number = ServerStatus.autocommit): this {
    return this.raw(new ByteWriter().u8(0xfe).u16(0).u16(status).finish());
  }

  err(number = 1064): this {
    return this.raw(writeErr({ number, sqlState: '42000', message: 'no' }));
  }

  columns(count: number): this {
    this.raw(new ByteWriter().lengthEncodedInteger(count).finish());
    return this.definitions(count);
  }

  definitions(count: number): this {
    for (let column = 0; column < count; column += 1) this.raw(utf8(`\x03def${column}`));
    return this.#isModern ? this : this.eof();
  }

  rows(values: readonly string[]): this {
    for (const value of values) this.raw(new ByteWriter().lengthEncodedText(value).finish());
    return this;
  }

  raw(payload: Uint8Array): this {
    const packet = encodePacket(payload, this.#sequence);
    this.#sequence = (this.#sequence + 1 + Math.floor(payload.length / 0xffffff)) & 0xff;
    this.#packets.push(packet);
    return this;
  }

  get bytes(): Uint8Array {
    return concatBytes(this.#packets);
  }

  get #isModern(): boolean {
    return (this.#capabilities & Capability.deprecateEof) !== 0;
  }
}

function okBody(header: number, status: number): Uint8Array {
  return new ByteWriter()
    .u8(header)
    .lengthEncodedInteger(1)
    .lengthEncodedInteger(300)
    .u16(status)
    .u16(0)
    .finish();
}

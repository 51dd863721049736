import { assert } from '../../base/assert.ts';
import { ByteReader, BytesError, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import { Capability } from './constants.ts';
import { decoding } from './errors.ts';

const protocolVersion = 10;
/** The nonce is sent in two parts, of 8 bytes and of 12 (and a zero byte). */
const nonceFirstBytes = 8;
export const nonceBytes = 20;
/** A handshake response that ends here and has the SSL flag is no response but a request to start TLS. */
const tlsRequestBytes = 32;
/** The server caps the sum of the attributes at 64 KiB; more pairs than this fit only when they say nothing. */
const connectAttributesMax = 1024;

/** The first packet of a connection, from the server. `MySQL: Client/Server Protocol, HandshakeV10`. */
export interface Greeting {
  readonly serverVersion: string;
  readonly connectionId: number;
  /** 20 random bytes, none of them zero. */
  readonly nonce: Uint8Array;
  readonly capabilities: number;
  readonly characterSet: number;
  readonly status: number;
  /** The server's default authentication plug-in, for which the nonce is. */
  readonly authPlugin: string;
}

/** The client's answer to the greeting. `MySQL: Client/Server Protocol, HandshakeResponse41`. */
export interface HandshakeResponse {
  readonly capabilities: number;
  readonly packetBytesMax: number;
  readonly characterSet: number;
  readonly user: string;
  readonly authResponse: Uint8Array;
  readonly database: string | null;
  readonly authPlugin: string | null;
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

/** What a client may answer to a greeting. */
export type GreetingAnswer =
  | { readonly kind: 'tls-request'; readonly capabilities: number }
  | { readonly kind: 'response'; readonly response: HandshakeResponse };

/** An ERR packet may stand in place of a greeting: ask `isErr` first. Throws MalformedPacketError. */
export function readGreeting(payload: Uint8Array): Greeting {
  return decoding('greeting', () => {
    const reader = new ByteReader(payload);
    const version = reader.u8();
    if (version !== protocolVersion) throw new BytesError(`protocol version ${version}, not 10`);
    const serverVersion = fromUtf8(reader.nulTerminated());
    const connectionId = reader.u32();
    const nonceFirst = reader.bytes(nonceFirstBytes);
    reader.bytes(1);
    const capabilitiesLow = reader.u16();
    const characterSet = reader.u8();
    const status = reader.u16();
    const capabilities = (capabilitiesLow | (reader.u16() << 16)) >>> 0;
    reader.u8();
    reader.bytes(10);
    const nonceSecond = reader.bytes(nonceBytes - nonceFirstBytes);
    reader.bytes(1);
    const nonce = new Uint8Array([...nonceFirst, ...nonceSecond]);
    const hasPlugin = hasCapability(capabilities, Capability.pluginAuth);
    const authPlugin = hasPlugin ? fromUtf8(reader.nulTerminated()) : 'mysql_native_password';
    return { serverVersion, connectionId, nonce, capabilities, characterSet, status, authPlugin };
  });
}

export function writeGreeting(greeting: Greeting): Uint8Array {
  assert(greeting.nonce.length === nonceBytes, 'a nonce has 20 bytes');
  return new ByteWriter()
    .u8(protocolVersion)
    .nulTerminated(greeting.serverVersion)
    .u32(greeting.connectionId)
    .bytes(greeting.nonce.subarray(0, nonceFirstBytes))
    .u8(0)
    .u16(greeting.capabilities & 0xffff)
    .u8(greeting.characterSet)
    .u16(greeting.status)
    .u16(greeting.capabilities >>> 16)
    .u8(nonceBytes + 1)
    .zeros(10)
    .bytes(greeting.nonce.subarray(nonceFirstBytes))
    .u8(0)
    .nulTerminated(greeting.authPlugin)
    .finish();
}

/** Clients of before 4.1 (2003) are refused as malformed. Throws MalformedPacketError. */
export function readGreetingAnswer(payload: Uint8Array): GreetingAnswer {
  return decoding('handshake response', () => {
    const reader = new ByteReader(payload);
    const capabilities = reader.u32();
    if (!hasCapability(capabilities, Capability.protocol41)) {
      throw new BytesError('the client does not speak the 4.1 protocol');
    }
    const packetBytesMax = reader.u32();
    const characterSet = reader.u8();
    reader.bytes(23);
    const wantsTls = hasCapability(capabilities, Capability.ssl);
    if (wantsTls && payload.length === tlsRequestBytes)
      return { kind: 'tls-request', capabilities };
    const response: HandshakeResponse = {
      capabilities,
      packetBytesMax,
      characterSet,
      user: fromUtf8(reader.nulTerminated()),
      authResponse: readAuthResponse(reader, capabilities),
      database: readOptionalText(reader, capabilities, Capability.connectWithDb),
      authPlugin: readOptionalText(reader, capabilities, Capability.pluginAuth),
      attributes: readAttributes(reader, capabilities),
    };
    return { kind: 'response', response };
  });
}

/** `database`, `authPlugin` and `attributes` are written as far as the capabilities include them. */
export function writeHandshakeResponse(response: HandshakeResponse): Uint8Array {
  const { capabilities } = response;
  const writer = new ByteWriter()
    .u32(capabilities)
    .u32(response.packetBytesMax)
    .u8(response.characterSet)
    .zeros(23)
    .nulTerminated(response.user);
  if (hasCapability(capabilities, Capability.pluginAuthLengthEncoded)) {
    writer.lengthEncodedBytes(response.authResponse);
  } else {
    assert(response.authResponse.length < 256, 'a longer response needs its own capability');
    writer.u8(response.authResponse.length).bytes(response.authResponse);
  }
  if (hasCapability(capabilities, Capability.connectWithDb)) {
    writer.nulTerminated(response.database ?? '');
  }
  if (hasCapability(capabilities, Capability.pluginAuth)) {
    writer.nulTerminated(response.authPlugin ?? '');
  }
  if (hasCapability(capabilities, Capability.connectAttributes)) {
    writer.lengthEncodedBytes(writeAttributes(response.attributes));
  }
  return writer.finish();
}

export function hasCapability(capabilities: number, flag: number): boolean {
  return (capabilities & flag) !== 0;
}

/**
 * A copy of a greeting with only the `allowed` capabilities left, and every other byte as it was: what a server's
 * newer version may add to its greeting stays untouched. Throws MalformedPacketError.
 */
export function filterGreetingCapabilities(payload: Uint8Array, allowed: number): Uint8Array {
  return decoding('greeting', () => {
    const reader = new ByteReader(payload);
    reader.u8();
    reader.nulTerminated();
    // The connection id, the first part of the nonce, and a zero byte.
    reader.bytes(4 + nonceFirstBytes + 1);
    const lowAt = reader.offset;
    const low = reader.u16() & allowed & 0xffff;
    reader.bytes(3);
    const highAt = reader.offset;
    const high = reader.u16() & (allowed >>> 16);
    const copy = new Uint8Array(payload);
    const view = new DataView(copy.buffer);
    view.setUint16(lowAt, low, true);
    view.setUint16(highAt, high, true);
    return copy;
  });
}

/**
 * A copy of a handshake response with only the `allowed` capabilities left. The flags that decide how the rest is laid out
 * (database, plug-in, attributes, length of the authentication data) must be allowed. Throws MalformedPacketError.
 */
export function filterResponseCapabilities(payload: Uint8Array, allowed: number): Uint8Array {
  return decoding('handshake response', () => {
    const capabilities = new ByteReader(payload).u32();
    const copy = new Uint8Array(payload);
    new DataView(copy.buffer).setUint32(0, (capabilities & allowed) >>> 0, true);
    return copy;
  });
}

function readAuthResponse(reader: ByteReader, capabilities: number): Uint8Array {
  if (hasCapability(capabilities, Capability.pluginAuthLengthEncoded)) {
    return reader.lengthEncodedBytes();
  }
  if (hasCapability(capabilities, Capability.secureConnection)) return reader.bytes(reader.u8());
  return reader.nulTerminated();
}

function readOptionalText(reader: ByteReader, capabilities: number, flag: number): string | null {
  // Old clients set the flag and then end the packet; the server takes that as "none".
  if (!hasCapability(capabilities, flag) || reader.left === 0) return null;
  return fromUtf8(reader.nulTerminated());
}

function readAttributes(reader: ByteReader, capabilities: number): [string, string][] {
  if (!hasCapability(capabilities, Capability.connectAttributes) || reader.left === 0) return [];
  const pairs = new ByteReader(reader.lengthEncodedBytes());
  const attributes: [string, string][] = [];
  while (pairs.left > 0) {
    if (attributes.length === connectAttributesMax) {
      throw new BytesError(`more than ${connectAttributesMax} connect attributes`);
    }
    const name = fromUtf8(pairs.lengthEncodedBytes());
    attributes.push([name, fromUtf8(pairs.lengthEncodedBytes())]);
  }
  return attributes;
}

function writeAttributes(attributes: HandshakeResponse['attributes']): Uint8Array {
  const writer = new ByteWriter();
  for (const [name, value] of attributes) {
    writer.lengthEncodedBytes(utf8(name)).lengthEncodedBytes(utf8(value));
  }
  return writer.finish();
}

import { ByteReader, BytesError, ByteWriter, fromUtf8 } from '../../base/bytes.ts';
import { ResponseHeader } from './constants.ts';
import { decoding } from './errors.ts';

/** The server wants another plug-in than the client guessed. `MySQL: Client/Server Protocol, AuthSwitchRequest`. */
export interface AuthSwitchRequest {
  readonly plugin: string;
  /** The plug-in's first message; for the common ones a nonce of 20 bytes and a zero byte. */
  readonly initialBytes: Uint8Array;
}

export function readAuthSwitchRequest(payload: Uint8Array): AuthSwitchRequest {
  return decoding('auth switch request', () => {
    const reader = new ByteReader(payload);
    expectHeader(reader, ResponseHeader.eof);
    if (reader.left === 0) throw new BytesError('a switch to the password format of before 4.1');
    return { plugin: fromUtf8(reader.nulTerminated()), initialBytes: reader.rest() };
  });
}

export function writeAuthSwitchRequest(request: AuthSwitchRequest): Uint8Array {
  return new ByteWriter()
    .u8(ResponseHeader.eof)
    .nulTerminated(request.plugin)
    .bytes(request.initialBytes)
    .finish();
}

/** The next message of the plug-in's own exchange. `MySQL: Client/Server Protocol, AuthMoreData`. */
export function readAuthMoreData(payload: Uint8Array): Uint8Array {
  return decoding('auth more data', () => {
    const reader = new ByteReader(payload);
    expectHeader(reader, ResponseHeader.authMoreData);
    return reader.rest();
  });
}

export function writeAuthMoreData(message: Uint8Array): Uint8Array {
  return new ByteWriter().u8(ResponseHeader.authMoreData).bytes(message).finish();
}

function expectHeader(reader: ByteReader, header: number): void {
  const found = reader.u8();
  if (found !== header) throw new BytesError(`it begins with ${found}, not ${header}`);
}

import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { status } from '@grpc/grpc-js';
import { codeOf, messageOf } from '../base/errors.ts';
import { encodeGrpcMessage, GrpcMessageReader } from './core/grpc-message.ts';

/** Answers the one message of a call; what it throws is told to the caller as UNAVAILABLE. */
export type UnaryHandler = (request: Uint8Array) => Promise<Uint8Array>;

export interface UnaryServerOptions {
  readonly port: number;
  /** By path, `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, UnaryHandler>;
  readonly requestBytesMax: number;
}

/** What a client may have on the way, unread: with the 64 KiB that HTTP/2 begins with a large put would wait for each of them. */
const windowBytes = 8 * 1024 * 1024;
const faultStatus = {
  'too-large': status.RESOURCE_EXHAUSTED,
  compressed: status.UNIMPLEMENTED,
  surplus: status.INTERNAL,
} as const;

/**
 * Serves unary gRPC calls on loopback, without TLS, on `node:http2` alone ("gRPC over HTTP2" of the gRPC documentation). The server of
 * grpc-js takes half as much again of a processor for each call, for interceptors, deadlines and statistics that nobody here has;
 * with many clients that was most of what a leader did. Settles when it listens.
 */
export async function serveUnary(options: UnaryServerOptions): Promise<Http2Server> {
  const server = createServer({ settings: { initialWindowSize: windowBytes } });
  server.on('session', (session) => session.setLocalWindowSize(windowBytes));
  server.on('stream', (stream, headers) => accept(stream, headers, options));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port, '127.0.0.1', resolve);
  await promise;
  server.off('error', reject);
  return server;
}

function accept(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: UnaryServerOptions,
): void {
  // Whoever hangs up wants no answer.
  stream.on('error', () => undefined);
  const path = headers[':path'] ?? '';
  const handler = options.handlers.get(path);
  if (handler === undefined) {
    refuse(stream, status.UNIMPLEMENTED, `no method ${path}`);
    return;
  }
  const reader = new GrpcMessageReader({ bytesMax: options.requestBytesMax });
  stream.on('data', (chunk: Uint8Array) => {
    const state = reader.add(chunk);
    if (state.kind === 'incomplete') return;
    stream.removeAllListeners('data');
    stream.resume();
    if (state.kind === 'fault') refuse(stream, faultStatus[state.reason], state.reason);
    else answer(stream, handler(state.message));
  });
}

function answer(stream: ServerHttp2Stream, answered: Promise<Uint8Array>): void {
  answered.then(
    (message) => {
      if (stream.destroyed) return;
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc+proto' },
        { waitForTrailers: true },
      );
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status.OK }));
      stream.end(encodeGrpcMessage(message));
    },
    (thrown: unknown) => {
      refuse(stream, status.UNAVAILABLE, `${codeOf(thrown) ?? 'INTERNAL'}: ${messageOf(thrown)}`);
    },
  );
}

/** Headers and trailers in one: an answer without a message. */
function refuse(stream: ServerHttp2Stream, code: status, details: string): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': code,
      'grpc-message': encodeURI(details.toWellFormed()),
    },
    { endStream: true },
  );
}

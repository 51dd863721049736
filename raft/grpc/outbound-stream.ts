import { Client, type ClientDuplexStream } from '@grpc/grpc-js';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { messageOf } from '../../base/errors.ts';
import { channelOptions } from './channel-options.ts';
import { decodeAnswer, encodeHello, type Hello, type HelloAnswer } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import { OwnedConnection } from './owned-connection.ts';
import { raftService } from './service.ts';

export interface OutboundStreamOptions {
  readonly host: string;
  readonly port: number;
  readonly hello: Hello;
  readonly limits: TransportLimits;
}

/**
 * One call of one peer, from the dial to its end, with a connection of its own: gRPC's channels would reconnect by
 * themselves, at a pace of theirs, and could not say which connection a message went to.
 */
export class OutboundStream {
  readonly #connection: OwnedConnection = new OwnedConnection();
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #answer: Deferred<HelloAnswer> = deferred<HelloAnswer>();
  readonly #ended: Deferred<string> = deferred<string>();

  constructor({ host, port, hello, limits }: OutboundStreamOptions) {
    this.#client = new Client(targetOf(host, port), this.#connection, {
      'grpc.max_receive_message_length': limits.frameBytesMax,
      'grpc.max_send_message_length': limits.frameBytesMax,
      ...channelOptions(limits),
    });
    const { path, requestSerialize, responseDeserialize } = raftService.exchange;
    this.#call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    // Nothing but the answer is expected here: what comes later settles nothing.
    this.#call.on('data', (bytes: Uint8Array) => this.#answer.resolve(decodeAnswer(bytes)));
    this.#call.on('error', (error) => this.#end(messageOf(error)));
    this.#call.on('end', () => this.#end('ended by the peer'));
    this.#call.write(encodeHello(hello));
  }

  /** What the peer said to the hello; pending for ever when the stream ends first. */
  get answer(): Promise<HelloAnswer> {
    return this.#answer.promise;
  }

  /** Settles with the reason when the stream is no more. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** `onTaken` is called once HTTP/2 took the bytes, which its flow control may delay for as long as the peer does not read. */
  write(frame: Uint8Array, onTaken: () => void): void {
    this.#call.write(frame, onTaken);
  }

  close(reason: string): void {
    this.#end(reason);
  }

  #end(reason: string): void {
    this.#ended.resolve(reason);
    this.#call.cancel();
    this.#client.close();
    this.#connection.close();
  }
}

/** Host and port as gRPC writes them. */
export function targetOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

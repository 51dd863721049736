import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { messageOf } from '../base/errors.ts';
import { decodeStatus, type MemberStatus } from './core/etcd-wire.ts';
import { BenchError } from './errors.ts';
import { putService } from './put-service.ts';

/** A put that takes longer has not been measured: something is broken. */
const putTimeoutMs = 30_000;
const statusTimeoutMs = 2_000;
const fillTimeoutMs = 600_000;

/** The one gRPC client of all contenders: so many connections to one member, used in turn by whoever puts. */
export class PutClient implements Disposable {
  readonly #connections: readonly [Client, ...Client[]];

  constructor(port: number, connections = 1) {
    const connect = (): Client =>
      new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure(), {
        // Each its own TCP connection, and nothing that one side could be asked for and the other not.
        'grpc.use_local_subchannel_pool': 1,
        'grpc.enable_channelz': 0,
        'grpc.enable_retries': 0,
        'grpc.enable_http_proxy': 0,
        'grpc.service_config_disable_resolution': 1,
      });
    this.#connections = [connect(), ...Array.from({ length: connections - 1 }, connect)];
  }

  /** An encoded put over connection `number`, modulo their count. Rejects with BENCH_LOAD_FAILED. */
  async put(request: Uint8Array, number = 0): Promise<void> {
    const client = this.#connections[number % this.#connections.length] ?? this.#connections[0];
    await call(client, 'put', { request, timeoutMs: putTimeoutMs });
  }

  async status(): Promise<MemberStatus> {
    const [client] = this.#connections;
    const answer = await call(client, 'status', {
      request: new Uint8Array(),
      timeoutMs: statusTimeoutMs,
    });
    const status = decodeStatus(answer);
    if (status !== null) return status;
    throw new BenchError('BENCH_LOAD_FAILED', 'a status that is none');
  }

  /** Has a leader of ours append so many entries; settles when they are committed. */
  async fill(entries: { readonly count: number; readonly bytes: number }): Promise<void> {
    const [client] = this.#connections;
    const request = new TextEncoder().encode(JSON.stringify(entries));
    await call(client, 'fill', { request, timeoutMs: fillTimeoutMs });
  }

  [Symbol.dispose](): void {
    for (const client of this.#connections) client.close();
  }
}

function call(
  client: Client,
  method: 'put' | 'status' | 'fill',
  options: { readonly request: Uint8Array; readonly timeoutMs: number },
): Promise<Uint8Array> {
  const { path, requestSerialize, responseDeserialize } = putService[method];
  const deadline = Date.now() + options.timeoutMs;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      options.request,
      { deadline },
      (error, answer) => {
        if (error === null && answer !== undefined) resolve(answer);
        else
          reject(
            new BenchError('BENCH_LOAD_FAILED', `${method}: ${messageOf(error)}`, { cause: error }),
          );
      },
    );
  });
}

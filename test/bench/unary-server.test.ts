import { ChannelCredentials, Client, type ServiceError, status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { OperationalError } from '../../base/errors.ts';
import { serveUnary, type UnaryHandler } from '../../bench/unary-server.ts';

const path = '/test.Service/Method';
const requestBytesMax = 4 * 1024 * 1024;

/** A client of grpc-js, as the benchmark's is, of a server with this one method. */
async function clientOf(handler: UnaryHandler): Promise<Client> {
  const server = await serveUnary({
    port: 0,
    handlers: new Map([[path, handler]]),
    requestBytesMax,
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure());
  onTestFinished(() => {
    client.close();
    server.close();
  });
  return client;
}

function call(client: Client, request: Uint8Array, method = path): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  client.makeUnaryRequest(
    method,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes) => bytes,
    request,
    (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
  );
  return promise;
}

async function refusal(answered: Promise<unknown>): Promise<Partial<ServiceError>> {
  return await answered.then(
    () => ({ details: 'it was answered' }),
    (error: ServiceError) => error,
  );
}

test('a client of gRPC gets the answer to its message, a large one too', async () => {
  const client = await clientOf(async (request) => request.map((byte) => byte + 1));
  expect([...(await call(client, Uint8Array.of(1, 2)))]).toEqual([2, 3]);
  expect([...(await call(client, new Uint8Array(0)))]).toEqual([]);
  const large = await call(client, new Uint8Array(requestBytesMax).fill(7));
  expect(large.length).toBe(requestBytesMax);
  expect(large.every((byte) => byte === 8)).toBe(true);
});

test('what the handler throws is told with its code', async () => {
  const client = await clientOf(() =>
    Promise.reject(new OperationalError('RAFT_NOT_LEADER', '100 % elsewhere: ask n2')),
  );
  const error = await refusal(call(client, new Uint8Array(1)));
  expect(error.code).toBe(status.UNAVAILABLE);
  expect(error.details).toBe('RAFT_NOT_LEADER: 100 % elsewhere: ask n2');
});

test('a message above the maximum, and a method that is none, are refused', async () => {
  const client = await clientOf(async (request) => request);
  const tooLarge = await refusal(call(client, new Uint8Array(requestBytesMax + 1)));
  expect(tooLarge.code).toBe(status.RESOURCE_EXHAUSTED);
  const unknown = await refusal(call(client, new Uint8Array(1), '/test.Service/Other'));
  expect(unknown.code).toBe(status.UNIMPLEMENTED);
});

test('an answer to a caller that hung up goes nowhere, and the next one is answered', async () => {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<Uint8Array>();
  let calls = 0;
  const client = await clientOf((request) => {
    calls += 1;
    begun.resolve();
    return calls === 1 ? held.promise : Promise.resolve(request);
  });
  const given = client.makeUnaryRequest(
    path,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes) => bytes,
    Uint8Array.of(1),
    () => undefined,
  );
  await begun.promise;
  given.cancel();
  expect([...(await call(client, Uint8Array.of(2)))]).toEqual([2]);
  held.resolve(Uint8Array.of(1));
  expect([...(await call(client, Uint8Array.of(3)))]).toEqual([3]);
});

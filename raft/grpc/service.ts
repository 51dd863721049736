import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/**
 * One method: the caller streams a hello and then frames of Raft messages, the called side answers the hello and nothing
 * else. Each node calls each other, so a broken direction shows on the side that sends.
 *
 * A gRPC message is handed over as its bytes: encoding and checking are ours, so that malformed input is a value, not a
 * stream error.
 */
const exchange: MethodDefinition<Uint8Array, Uint8Array> = {
  path: '/binraft.Raft/Exchange',
  requestStream: true,
  responseStream: true,
  requestSerialize: asBuffer,
  requestDeserialize: asBytes,
  responseSerialize: asBuffer,
  responseDeserialize: asBytes,
};

export const raftService: { readonly exchange: typeof exchange } & ServiceDefinition = { exchange };

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBytes(buffer: Buffer): Uint8Array {
  return buffer;
}

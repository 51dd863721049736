import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/**
 * Two methods. `exchange`: the caller streams a hello and then frames of Raft messages, the called side answers the hello and nothing
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

/** The caller says which snapshot it wants, from which byte on; the called side sends it. */
const fetchSnapshot: MethodDefinition<Uint8Array, Uint8Array> = {
  ...exchange,
  path: '/binraft.Raft/FetchSnapshot',
  requestStream: false,
};

export const raftService: {
  readonly exchange: typeof exchange;
  readonly fetchSnapshot: typeof fetchSnapshot;
} & ServiceDefinition = { exchange, fetchSnapshot };

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBytes(buffer: Buffer): Uint8Array {
  return buffer;
}

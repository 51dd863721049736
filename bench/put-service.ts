import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/**
 * Two methods of etcd's API. Members of ours answer to them as well, so that the client that drives both sides is the same to the
 * last byte and does not know whom it drives. Messages are handed over as their bytes.
 */
const put: MethodDefinition<Uint8Array, Uint8Array> = {
  path: '/etcdserverpb.KV/Put',
  requestStream: false,
  responseStream: false,
  requestSerialize: asBuffer,
  requestDeserialize: asBytes,
  responseSerialize: asBuffer,
  responseDeserialize: asBytes,
};

const status: MethodDefinition<Uint8Array, Uint8Array> = {
  ...put,
  path: '/etcdserverpb.Maintenance/Status',
};

/** Ours alone: the leader appends entries of its own, so many of such a size, before anything is measured. */
const fill: MethodDefinition<Uint8Array, Uint8Array> = {
  ...put,
  path: '/binraft.bench.Member/Fill',
};

export const putService: {
  readonly put: typeof put;
  readonly status: typeof status;
  readonly fill: typeof fill;
} & ServiceDefinition = { put, status, fill };

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBytes(buffer: Buffer): Uint8Array {
  return buffer;
}

/** A flag for compression, and the length: what stands before each message of a gRPC stream. */
const prefixBytes = 5;

export type GrpcMessageState =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'message'; readonly message: Uint8Array }
  | { readonly kind: 'fault'; readonly reason: 'too-large' | 'compressed' | 'surplus' };

const incomplete: GrpcMessageState = { kind: 'incomplete' };

/**
 * Puts the one message of a unary call together ("gRPC over HTTP2", Length-Prefixed-Message). One that came in one piece is not copied;
 * a larger one is copied once, into the room that its length asks for.
 */
export class GrpcMessageReader {
  readonly #bytesMax: number;
  /** Bytes before the length is known. */
  #prefix: Uint8Array = new Uint8Array(0);
  #message: Uint8Array | null = null;
  #filled = 0;

  constructor(options: { readonly bytesMax: number }) {
    this.#bytesMax = options.bytesMax;
  }

  /** The state once these bytes are added; after a message or a fault there is nothing to add. */
  add(chunk: Uint8Array): GrpcMessageState {
    if (this.#message !== null) return this.#fill(this.#message, chunk);
    const bytes = this.#prefix.length === 0 ? chunk : joined(this.#prefix, chunk);
    if (bytes.length < prefixBytes) {
      this.#prefix = bytes;
      return incomplete;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, prefixBytes);
    const length = view.getUint32(1);
    if (view.getUint8(0) !== 0) return { kind: 'fault', reason: 'compressed' };
    if (length > this.#bytesMax) return { kind: 'fault', reason: 'too-large' };
    const rest = bytes.subarray(prefixBytes);
    if (rest.length === length) return { kind: 'message', message: rest };
    this.#message = new Uint8Array(length);
    return this.#fill(this.#message, rest);
  }

  #fill(message: Uint8Array, chunk: Uint8Array): GrpcMessageState {
    if (this.#filled + chunk.length > message.length) return { kind: 'fault', reason: 'surplus' };
    message.set(chunk, this.#filled);
    this.#filled += chunk.length;
    return this.#filled === message.length ? { kind: 'message', message } : incomplete;
  }
}

export function encodeGrpcMessage(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, prefixBytes);
  return bytes;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

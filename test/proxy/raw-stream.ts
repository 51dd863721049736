import type { Socket } from 'node:net';
import { concatBytes } from '../../base/bytes.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';

/** Reads a socket packet by packet, or to its end. */
export class RawStream {
  readonly socket: Socket;
  #bytes: Uint8Array = new Uint8Array(0);
  #isEnded = false;
  #wake: Deferred<void> = deferred();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = concatBytes([this.#bytes, bytes]);
      this.#wake.resolve();
    });
    const end = (): void => {
      this.#isEnded = true;
      this.#wake.resolve();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
  }

  /** The payload of the next packet; null at the end of the stream. */
  async packet(): Promise<Uint8Array | null> {
    for (;;) {
      const [low = 0, middle = 0, high = 0] = this.#bytes;
      const length = 4 + (low | (middle << 8) | (high << 16));
      if (this.#bytes.length >= Math.max(length, 4)) {
        const packet = this.#bytes.subarray(4, length);
        this.#bytes = this.#bytes.slice(length);
        return packet;
      }
      if (this.#isEnded) return null;
      await this.#more();
    }
  }

  async rest(): Promise<Uint8Array> {
    while (!this.#isEnded) await this.#more();
    return this.#bytes;
  }

  async #more(): Promise<void> {
    await this.#wake.promise;
    if (!this.#isEnded) this.#wake = deferred();
  }
}

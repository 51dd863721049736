import type { Message } from '../core/messages.ts';
import type { TransportLimits } from './limits.ts';
import { encodeFrame, wireBytes } from './wire-codec.ts';

export interface SendQueueOptions {
  readonly limits: TransportLimits;
  /** Hands a frame to the stream; false when the next should wait for `resume`. */
  readonly write: (frame: Uint8Array) => boolean;
  /** A single message larger than the other side accepts was dropped. */
  readonly onOversize: (bytes: number) => void;
}

interface Waiting {
  readonly message: Message;
  readonly bytes: number;
}

/**
 * Messages on their way into one stream. What is sent in one go of the event loop leaves as one frame, and so does what piles up
 * while the socket has not taken the frames before. Bounded: when full, the newest is dropped, and Raft sends it again.
 */
export class SendQueue {
  readonly #options: SendQueueOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #isBlocked = false;
  #isFlushDue = false;
  #isClosed = false;

  constructor(options: SendQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** False when the message was dropped. Entries give way first: a vote or a heartbeat is small and matters now. */
  push(message: Message): boolean {
    const { queueMessagesMax, queueBytesMax } = this.#options.limits;
    const bytes = wireBytes(message);
    const carriesEntries = message.kind === 'append-request' && message.entries.length > 0;
    if (this.#isClosed || this.#waiting.length >= queueMessagesMax) return false;
    // One message may always wait, however large.
    const isFull = this.#waiting.length > 0 && this.#bytes + bytes > queueBytesMax;
    if (carriesEntries && isFull) return false;
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
    this.#flushSoon();
    return true;
  }

  /** The stream has room again. */
  resume(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#bytes = 0;
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (!this.#isClosed && !this.#isBlocked) {
      const messages = this.#takeBatch();
      if (messages.length === 0) return;
      const frame = encodeFrame(messages);
      if (frame.length > this.#options.limits.frameBytesMax) {
        this.#options.onOversize(frame.length);
        continue;
      }
      this.#isBlocked = !this.#options.write(frame);
    }
  }

  #takeBatch(): readonly Message[] {
    const { batchBytesMax } = this.#options.limits;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > batchBytesMax) break;
      bytes += waiting.bytes;
      count += 1;
    }
    const batch = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    this.#bytes -= bytes;
    return batch.map(({ message }) => message);
  }
}

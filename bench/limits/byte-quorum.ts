import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { SyncedFile } from './synced-file.ts';

/** How much a follower has, as it says it: one number of 48 bits, big-endian. */
const lengthBytes = 6;

/** Appends what a leader sends to a file, and answers with the length that is on the disk. Settles when it listens. */
export async function followOn(port: number, path: string): Promise<Server> {
  const server = createServer({ noDelay: true }, (leader) => {
    const file = new SyncedFile(path, (length) => {
      const answer = Buffer.allocUnsafe(lengthBytes);
      answer.writeUIntBE(length, 0, lengthBytes);
      leader.write(answer);
    });
    leader.on('data', (bytes) => file.append(bytes));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/**
 * Bytes on the disks of a majority, and nothing else: no terms, no votes, no log that could be read again. What a leader that keeps
 * nobody waiting needs at least, in Node: a file and a socket to each follower.
 */
export class ByteQuorum implements Disposable {
  /** How much each member has on its disk, the leader's own first. */
  readonly #lengths: number[];
  readonly #followers: readonly Socket[];
  readonly #file: SyncedFile;
  readonly #reached: (length: number) => void;
  #appended = 0;
  #reachedLength = 0;

  private constructor(options: {
    readonly followers: readonly Socket[];
    readonly path: string;
    readonly reached: (length: number) => void;
  }) {
    this.#followers = options.followers;
    this.#reached = options.reached;
    this.#lengths = [0, ...options.followers.map(() => 0)];
    this.#file = new SyncedFile(options.path, (length) => this.#hear(0, length));
    for (const [place, follower] of options.followers.entries()) {
      let rest: Buffer = Buffer.alloc(0);
      follower.on('data', (bytes) => {
        rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        const whole = rest.length - (rest.length % lengthBytes);
        if (whole === 0) return;
        // Lengths only grow: of several the last one says it all.
        this.#hear(place + 1, rest.readUIntBE(whole - lengthBytes, lengthBytes));
        rest = rest.subarray(whole);
      });
    }
  }

  /** Followers must listen already. `reached` is told how many bytes a majority has, each time that they are more. */
  static async connect(options: {
    readonly ports: readonly number[];
    readonly path: string;
    readonly reached: (length: number) => void;
  }): Promise<ByteQuorum> {
    const followers = options.ports.map((port) =>
      connect({ host: '127.0.0.1', port, noDelay: true }),
    );
    await Promise.all(followers.map((follower) => once(follower, 'connect')));
    return new ByteQuorum({ ...options, followers });
  }

  /** Returns the length that must be reached for these bytes to be on a majority. */
  append(bytes: Uint8Array): number {
    for (const follower of this.#followers) follower.write(bytes);
    this.#file.append(bytes);
    this.#appended += bytes.length;
    return this.#appended;
  }

  [Symbol.dispose](): void {
    for (const follower of this.#followers) follower.destroy();
  }

  #hear(member: number, length: number): void {
    this.#lengths[member] = length;
    const falling = this.#lengths.toSorted((one, other) => other - one);
    const majority = falling[Math.floor(falling.length / 2)] ?? 0;
    if (majority <= this.#reachedLength) return;
    this.#reachedLength = majority;
    this.#reached(majority);
  }
}

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { deferred } from '../../base/deferred.ts';
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
  readonly #waiting: { readonly end: number; resolve(): void }[] = [];
  #appended = 0;

  private constructor(followers: readonly Socket[], path: string) {
    this.#followers = followers;
    this.#lengths = [0, ...followers.map(() => 0)];
    this.#file = new SyncedFile(path, (length) => this.#hear(0, length));
    for (const [place, follower] of followers.entries()) {
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

  /** Followers must listen already; the leader's own file is at `path`. */
  static async connect(ports: readonly number[], path: string): Promise<ByteQuorum> {
    const followers = ports.map((port) => connect({ host: '127.0.0.1', port, noDelay: true }));
    await Promise.all(followers.map((follower) => once(follower, 'connect')));
    return new ByteQuorum(followers, path);
  }

  /** Settles when these bytes, and all before them, are on the disks of a majority; in the order of the calls. */
  append(bytes: Uint8Array): Promise<void> {
    const { promise, resolve } = deferred();
    for (const follower of this.#followers) follower.write(bytes);
    this.#file.append(bytes);
    this.#appended += bytes.length;
    this.#waiting.push({ end: this.#appended, resolve });
    return promise;
  }

  [Symbol.dispose](): void {
    for (const follower of this.#followers) follower.destroy();
  }

  #hear(member: number, length: number): void {
    this.#lengths[member] = length;
    const falling = this.#lengths.toSorted((one, other) => other - one);
    const majority = falling[Math.floor(falling.length / 2)] ?? 0;
    const open = this.#waiting.findIndex(({ end }) => end > majority);
    const reached = this.#waiting.splice(0, open === -1 ? this.#waiting.length : open);
    for (const { resolve } of reached) resolve();
  }
}

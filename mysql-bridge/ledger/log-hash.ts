import { hash } from 'node:crypto';
import { crc32 } from '../../base/crc32.ts';
import type { Entry } from '../../raft/core/entry.ts';

const hashBytes = 32;
const fieldsBytes = 8 + 8 + 1 + 8 + 4;

/**
 * One value for all committed entries so far: two nodes with the same value at the same index hold the same log.
 * H(0) = 32 zero bytes, and
 *
 * ```text
 * H(i) = SHA-256( H(i-1) 32 | term 8 | index 8 | kind 1 | payload length 8 | CRC-32 of the payload 4 )
 * ```
 *
 * It shows faults, it does not defend against forgery: hashing each payload whole with SHA-256 would cost several times as
 * much, on the thread that runs Raft.
 */
export class LogHash {
  readonly #input: Buffer = Buffer.alloc(hashBytes + fieldsBytes);

  constructor(hex: string = '0'.repeat(2 * hashBytes)) {
    this.#input.write(hex, 0, hashBytes, 'hex');
  }

  get hex(): string {
    return this.#input.toString('hex', 0, hashBytes);
  }

  /** Answers with the CRC-32 of the entry's payload, which it needs anyway. */
  take(entry: Entry): number {
    const payloadCrc32 = crc32(entry.payload);
    let at = hashBytes;
    at = this.#input.writeBigUInt64LE(BigInt(entry.term), at);
    at = this.#input.writeBigUInt64LE(BigInt(entry.index), at);
    at = this.#input.writeUInt8(entry.kind, at);
    at = this.#input.writeBigUInt64LE(BigInt(entry.payload.length), at);
    this.#input.writeUInt32LE(payloadCrc32, at);
    hash('sha256', this.#input, 'buffer').copy(this.#input);
    return payloadCrc32;
  }
}

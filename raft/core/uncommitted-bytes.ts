import type { LogIndex } from './types.ts';

interface Proposal {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
}

/** Bytes this leader appended in its term that are not yet committed: bounds what a stalled quorum can pile up. */
export class UncommittedBytes {
  readonly #bytesMax: number;
  #proposals: Proposal[] = [];
  /** Proposals before this place are committed. */
  #head = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** One proposal of any size fits when nothing else is uncommitted, so that none is too large for ever. */
  hasRoomFor(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }

  add(proposal: Proposal): void {
    this.#proposals.push(proposal);
    this.#bytes += proposal.bytes;
  }

  commitTo(index: LogIndex): void {
    let oldest = this.#proposals[this.#head];
    while (oldest !== undefined && oldest.lastIndex <= index) {
      this.#bytes -= oldest.bytes;
      this.#head += 1;
      oldest = this.#proposals[this.#head];
    }
    // Copying only once half is waste keeps the cost per proposal constant.
    if (this.#head * 2 >= this.#proposals.length) {
      this.#proposals = this.#proposals.slice(this.#head);
      this.#head = 0;
    }
  }
}

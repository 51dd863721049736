import { assert } from '../../../base/assert.ts';

const clientBits = 4;
const countBits = 24;
/** Clients of a run, the one that reads in the end included. */
export const clientsMax: number = 1 << clientBits;

/** Numbers that no other client process of a run gives, nor an earlier life of this one. */
export class UniqueNumbers {
  readonly #client: number;
  readonly #life: number;
  #count = 0;

  constructor(client: number, life: number) {
    assert(client < clientsMax, `client ${client} of at most ${clientsMax}`);
    this.#client = client;
    this.#life = life;
  }

  next(): number {
    assert(this.#count < 1 << countBits, 'a client process gives at most 2^24 numbers');
    const number = (this.#life * (1 << countBits) + this.#count) * clientsMax + this.#client;
    this.#count += 1;
    return number;
  }
}

import type { Judge } from './raft-checker.ts';

/** A call of a client, as it begins. */
export interface Invocation {
  readonly client: string;
  /** Nothing that ends at or before this place of the order may be missed by the call. */
  readonly floor: number;
}

/**
 * C8, and linearizability of the whole register service: there is one order, the ledger, and each completed call names its
 * place in it. The history is linearizable if the order agrees with real time: a call must not stand before one that had
 * completed when it began. That, and that each read tells what the ledger says at its place, is a proof, and costs one
 * comparison per call where a search would cost much more (Herlihy and Wing 1990, §3).
 */
export class LinearOrder {
  readonly #judge: Judge;
  #completedUpTo = 0;
  #reads = 0;
  #writes = 0;

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  get reads(): number {
    return this.#reads;
  }

  get writes(): number {
    return this.#writes;
  }

  invoked(client: string): Invocation {
    return { client, floor: this.#completedUpTo };
  }

  /** The read saw everything up to `place`, and nothing behind it. */
  readCompleted(call: Invocation, place: number): void {
    this.#reads += 1;
    this.#judge.check(
      place >= call.floor,
      'C8',
      () =>
        `a read of ${call.client} sees the state at ${place}, ${call.floor} had been told before it began`,
    );
    this.#completedUpTo = Math.max(this.#completedUpTo, place);
  }

  /** The write stands at `place`. */
  writeCompleted(call: Invocation, place: number): void {
    this.#writes += 1;
    this.#judge.check(
      place > call.floor,
      'C1',
      () =>
        `a write of ${call.client} stands at ${place}, ${call.floor} had been told before it began`,
    );
    this.#completedUpTo = Math.max(this.#completedUpTo, place);
  }
}

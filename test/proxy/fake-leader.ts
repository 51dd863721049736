import { type Deferred, deferred } from '../../base/deferred.ts';
import type { ProxyHost } from '../../proxy/proxy-api.ts';
import { type LogIndex, logIndex } from '../../raft/core/types.ts';

/** A leader that confirms at once, or when the test says so. */
export class FakeLeader implements ProxyHost {
  /** False: rounds wait for `confirm` or `reject`. */
  isConfirming = true;
  rounds = 0;
  leaseMs = 0;
  readonly #waiting: Deferred<LogIndex>[] = [];

  readIndex(): Promise<LogIndex> {
    this.rounds += 1;
    if (this.isConfirming) return Promise.resolve(logIndex(1));
    const round = deferred<LogIndex>();
    this.#waiting.push(round);
    return round.promise;
  }

  leaseUntilMs(): number {
    return this.leaseMs;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  confirm(): void {
    for (const round of this.#waiting.splice(0)) round.resolve(logIndex(1));
  }

  confirmOldest(): void {
    this.#waiting.shift()?.resolve(logIndex(1));
  }

  reject(): void {
    for (const round of this.#waiting.splice(0)) round.reject(new Error('not the leader'));
  }
}

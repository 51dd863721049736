import { type Deferred, deferred } from '../base/deferred.ts';
import type { MembershipChangeEnd } from './core/effects.ts';
import type { LogIndex } from './core/types.ts';
import {
  MembershipRefusedError,
  MembershipUnsettledError,
  NotLeaderError,
  TransferringError,
} from './errors.ts';

/** Callers that wait for the end of a change of membership. The machine takes one change at a time and rejects the others at once. */
export class MembershipCallers {
  readonly #waiting = new Map<number, Deferred<LogIndex>>();
  #newestId = 0;

  /** The caller's promise, and the id to tell the machine of. */
  join(): { readonly promise: Promise<LogIndex>; readonly changeId: number } {
    const caller = deferred<LogIndex>();
    this.#newestId += 1;
    this.#waiting.set(this.#newestId, caller);
    return { promise: caller.promise, changeId: this.#newestId };
  }

  ended(changeId: number, end: MembershipChangeEnd): void {
    const caller = this.#waiting.get(changeId);
    this.#waiting.delete(changeId);
    if (end.kind === 'committed') caller?.resolve(end.index);
    else caller?.reject(errorOf(end));
  }

  rejectAll(error: Error): void {
    for (const caller of this.#waiting.values()) caller.reject(error);
    this.#waiting.clear();
  }
}

function errorOf(end: Exclude<MembershipChangeEnd, { readonly kind: 'committed' }>): Error {
  if (end.kind === 'unsettled') return new MembershipUnsettledError(end.leaderId);
  if (end.reason === 'not-leader') return new NotLeaderError(end.leaderId);
  if (end.reason === 'transferring') return new TransferringError();
  return new MembershipRefusedError(end.reason, end.detail);
}

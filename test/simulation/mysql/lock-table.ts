import { assert } from '../../../base/assert.ts';
import { type Fiber, type Fibers, SimSqlError, type Steps } from './fibers.ts';
import { SimError } from './statements.ts';

/**
 * Shared, exclusive, and "intends to change a part": the last is compatible with itself alone. With these three a row lock, a
 * table scan of a SERIALIZABLE session, a metadata lock, the global read lock and the commit lock are all told.
 */
export type LockMode = 'S' | 'X' | 'IX';

/** The lock that every change of something holds a part of while it runs. */
export const globalReadLock = 'global';

export type LockWatch = 'rows' | 'metadata' | 'nobody';

interface Grant {
  readonly owner: LockOwner;
  mode: LockMode;
}

interface Request {
  readonly owner: LockOwner;
  readonly mode: LockMode;
  readonly fiber: Fiber;
  readonly entry: Entry;
  readonly watch: LockWatch;
}

interface Entry {
  readonly resource: string;
  granted: Grant[];
  queue: Request[];
}

/** Who holds locks: a transaction, or one statement, which waits as part of the transaction that it is in. */
export class LockOwner {
  readonly held: Entry[] = [];
  waitsFor: Request | null = null;
  /** How much is lost by rolling it back: the lightest of a deadlock dies. */
  weight = 0;
  /** Whose waits and locks are one for a deadlock. */
  readonly session: LockOwner;

  constructor(transaction: LockOwner | null = null) {
    this.session = transaction ?? this;
  }
}

export interface AcquireOptions {
  /**
   * Who watches for deadlocks: InnoDB over its rows, the metadata locks over themselves (MySQL source, `MDL_context::find_deadlock`;
   * global read lock and commit lock are of them), nobody over a mutex. The default is `metadata`.
   */
  readonly watch?: LockWatch;
  readonly isInterruptible?: boolean;
  /** Told when the wait begins; answers what to call when it is over. Gets a function that makes the wait fail. */
  readonly onWait?: (fail: (error: SimSqlError) => void) => () => void;
}

/** All locks of a server. First come, first served: a request waits behind an incompatible one that waits, too. */
export class LockTable {
  readonly #fibers: Fibers;
  readonly #entries = new Map<string, Entry>();

  constructor(fibers: Fibers) {
    this.#fibers = fibers;
  }

  /** Waits until granted. Throws `SimSqlError` 1213 in a deadlock, or what interrupted the wait. */
  *acquire(
    owner: LockOwner,
    resource: string,
    mode: LockMode,
    options: AcquireOptions = {},
  ): Steps {
    if (this.tryAcquire(owner, resource, mode)) return;
    const entry = this.#entries.get(resource);
    assert(entry !== undefined, 'who waits, waits for somebody');
    const fiber = this.#fibers.current;
    const { watch = 'metadata' } = options;
    const request: Request = { owner, mode, fiber, entry, watch };
    const isUpgrade = entry.granted.some((grant) => grant.owner === owner);
    // Who holds the lock already goes first: those behind could not get it before either.
    if (isUpgrade) entry.queue.unshift(request);
    else entry.queue.push(request);
    owner.session.waitsFor = request;
    if (watch !== 'nobody') this.#breakDeadlock(request);
    if (owner.session.waitsFor !== request) {
      // The wait was over before it began: another victim made room, or this one is the victim.
      if (this.#holds(owner, entry, mode)) return;
      throw deadlock();
    }
    const fail = (error: SimSqlError): void => {
      if (owner.session.waitsFor === request) this.#fail(request, error);
    };
    const done = options.onWait?.(fail) ?? null;
    const cancel = (): void => this.#withdraw(request);
    yield* this.#fibers.park(options.isInterruptible === false ? null : cancel);
    done?.();
  }

  /** Grants at once, or does nothing. */
  tryAcquire(owner: LockOwner, resource: string, mode: LockMode): boolean {
    const entry = this.#entries.get(resource);
    if (entry === undefined) {
      const created = { resource, granted: [{ owner, mode }], queue: [] };
      this.#entries.set(resource, created);
      owner.held.push(created);
      return true;
    }
    const own = entry.granted.find((grant) => grant.owner === owner);
    if (own !== undefined && covers(own.mode, mode)) return true;
    if (own === undefined && entry.queue.length > 0) return false;
    if (!this.#isFree(entry, owner, mode)) return false;
    this.#grant(entry, owner, mode);
    return true;
  }

  isHeldBy(owner: LockOwner, resource: string): boolean {
    return owner.held.some((entry) => entry.resource === resource);
  }

  release(owner: LockOwner, resource: string): void {
    const index = owner.held.findIndex((held) => held.resource === resource);
    const entry = owner.held[index];
    if (entry === undefined) return;
    owner.held.splice(index, 1);
    this.#leave(entry, owner);
  }

  releaseAll(owner: LockOwner): void {
    assert(owner.session.waitsFor === null, 'who gives up its locks does not wait for one');
    const { held } = owner;
    for (const entry of held) this.#leave(entry, owner);
    held.length = 0;
  }

  #holds(owner: LockOwner, entry: Entry, mode: LockMode): boolean {
    return entry.granted.some((grant) => grant.owner === owner && covers(grant.mode, mode));
  }

  #grant(entry: Entry, owner: LockOwner, mode: LockMode): void {
    const own = entry.granted.find((grant) => grant.owner === owner);
    if (own !== undefined) {
      own.mode = own.mode === mode ? mode : 'X';
      return;
    }
    entry.granted.push({ owner, mode });
    owner.held.push(entry);
  }

  #leave(entry: Entry, owner: LockOwner): void {
    entry.granted = entry.granted.filter((grant) => grant.owner !== owner);
    this.#grantNext(entry);
  }

  #grantNext(entry: Entry): void {
    for (;;) {
      const next = entry.queue[0];
      if (next === undefined || !this.#isFree(entry, next.owner, next.mode)) break;
      entry.queue.shift();
      next.owner.session.waitsFor = null;
      this.#grant(entry, next.owner, next.mode);
      this.#fibers.wake(next.fiber);
    }
    if (entry.granted.length === 0 && entry.queue.length === 0) {
      this.#entries.delete(entry.resource);
    }
  }

  #isFree(entry: Entry, owner: LockOwner, mode: LockMode): boolean {
    return entry.granted.every((grant) => grant.owner === owner || isCompatible(grant.mode, mode));
  }

  #withdraw(request: Request): void {
    const { entry, owner } = request;
    entry.queue = entry.queue.filter((other) => other !== request);
    owner.session.waitsFor = null;
    this.#grantNext(entry);
  }

  #fail(request: Request, error: SimSqlError): void {
    if (this.#fibers.interrupt(request.fiber, error)) return;
    // It has not begun to wait: `acquire` looks whether the request is still there.
    this.#withdraw(request);
  }

  #breakDeadlock(request: Request): void {
    const cycle = this.#findCycle(request)?.filter(({ watch }) => watch === request.watch);
    const victim = cycle?.reduce((lightest, other) =>
      weightOf(other) < weightOf(lightest) ? other : lightest,
    );
    if (victim !== undefined) this.#fail(victim, deadlock());
  }

  /**
   * The requests of a cycle of waits that this one closes, itself first. InnoDB does not see waits for metadata: on a real server
   * such a cycle ends when the wait for a row is over. Here the wait for a row that closes it ends it.
   */
  #findCycle(request: Request): readonly Request[] | null {
    const seen = new Set<LockOwner>();
    const search = (from: Request, path: readonly Request[]): readonly Request[] | null => {
      for (const { session } of blockersOf(from)) {
        if (session === request.owner.session) return path;
        const { waitsFor } = session;
        if (seen.has(session) || waitsFor === null || !isSeenBy(request.watch, waitsFor)) continue;
        seen.add(session);
        const found = search(waitsFor, [...path, waitsFor]);
        if (found !== null) return found;
      }
      return null;
    };
    return search(request, [request]);
  }
}

function isSeenBy(watch: LockWatch, other: Request): boolean {
  return watch === 'rows' || watch === other.watch;
}

/**
 * Of a wait for metadata: DDL, and whoever waits for the global read lock, outlives what only uses a table; of equals who closed
 * the circle dies (MySQL source, `MDL_ticket::get_deadlock_weight`, `Deadlock_detection_visitor`).
 */
function weightOf({ watch, owner, mode, entry }: Request): number {
  const { weight } = owner.session;
  if (watch === 'rows' || !Number.isFinite(weight)) return weight;
  return mode === 'X' || entry.resource === globalReadLock ? 1 : 0;
}

function blockersOf({ entry, owner, mode, ...request }: Request): readonly LockOwner[] {
  const holders = entry.granted
    .filter((grant) => grant.owner !== owner && !isCompatible(grant.mode, mode))
    .map((grant) => grant.owner);
  const ahead: LockOwner[] = [];
  for (const other of entry.queue) {
    if (other.fiber === request.fiber) break;
    if (other.owner !== owner && !isCompatible(other.mode, mode)) ahead.push(other.owner);
  }
  return [...holders, ...ahead];
}

function isCompatible(left: LockMode, right: LockMode): boolean {
  return left === right && left !== 'X';
}

function covers(held: LockMode, wanted: LockMode): boolean {
  return held === 'X' || held === wanted;
}

function deadlock(): SimSqlError {
  return new SimSqlError(
    SimError.deadlock,
    'Deadlock found when trying to get lock; try restarting transaction',
  );
}

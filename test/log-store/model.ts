import fc from 'fast-check';
import { expect } from 'vitest';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { type HardState, logIndex } from '../../raft/core/types.ts';
import type { LogBatch, LogStore } from '../../raft/log-store.ts';
import type { StorePlace } from './conformance.ts';
import { batch, entry, hardState, snapshot } from './support.ts';

/** One entry in so many is a configuration: few enough that no truncation takes all that a store remembers. */
const membershipShare = 59;

/** The log as an array that begins behind `snapshot`, or with entry 1. */
interface Model {
  snapshot: SnapshotMeta | null;
  entries: readonly Entry[];
  hardState: HardState;
}

interface Real {
  readonly place: StorePlace;
  store: LogStore;
}

/** What a write does, before it is known where the log ends: positions are shares of the log. */
interface WritePlan {
  readonly truncateShare: number | null;
  readonly sizes: readonly number[];
  readonly termStep: number;
  readonly votes: boolean;
  /** Where a snapshot ends that takes the place of what is before: above 1 past the end of the log. */
  readonly snapshotShare: number | null;
}

const writePlans: fc.Arbitrary<WritePlan> = fc.record({
  truncateShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
  sizes: fc.array(fc.nat(400), { maxLength: 6 }),
  termStep: fc.constantFrom(0, 0, 0, 1, 3),
  votes: fc.boolean(),
  snapshotShare: fc.option(fc.double({ min: 0, max: 1.3, noNaN: true }), { freq: 2 }),
});

class Write implements fc.AsyncCommand<Model, Real> {
  readonly plans: readonly WritePlan[];

  constructor(plans: readonly WritePlan[]) {
    this.plans = plans;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    const batches = this.plans.map((plan) => applyToModel(model, plan));
    await Promise.all(batches.map((one) => real.store.write(one)));
  }

  toString(): string {
    return `write(${JSON.stringify(this.plans)})`;
  }
}

class Read implements fc.AsyncCommand<Model, Real> {
  readonly shares: readonly [number, number];
  readonly bytesMax: number;

  constructor(shares: readonly [number, number], bytesMax: number) {
    this.shares = shares;
    this.bytesMax = bytesMax;
  }

  check(model: Readonly<Model>): boolean {
    return model.entries.length > 0;
  }

  async run(model: Model, real: Real): Promise<void> {
    const base = baseOf(model);
    const [first = 1, last = 1] = this.shares
      .map((share) => base + 1 + Math.floor(share * (model.entries.length - 1)))
      .toSorted((left, right) => left - right);

    const found = await real.store.read({
      first: logIndex(first),
      last: logIndex(last),
      bytesMax: this.bytesMax,
    });

    expect(found).toEqual(
      expectedRead(model.entries.slice(first - 1 - base, last - base), this.bytesMax),
    );
  }

  toString(): string {
    return `read(${this.shares.join(', ')}, ${this.bytesMax})`;
  }
}

class Reopen implements fc.AsyncCommand<Model, Real> {
  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await real.store.close();
    real.store = await real.place.open();
    const { membershipEntries, ...opened } = real.store.opened;
    const memberships = model.entries.filter(({ kind }) => kind === EntryKind.membership);
    // All there are, or the newest of them: never one that is gone, never fewer than the last two.
    expect(membershipEntries).toEqual(memberships.slice(-Math.max(1, membershipEntries.length)));
    expect(membershipEntries.length).toBeGreaterThanOrEqual(Math.min(2, memberships.length));
    expect(opened).toEqual({
      hardState: model.hardState,
      snapshot: model.snapshot,
      firstIndex: baseOf(model) + 1,
      lastIndex: baseOf(model) + model.entries.length,
      termRuns: model.entries
        .filter((one, position) => one.term !== model.entries[position - 1]?.term)
        .map((one) => ({ term: one.term, firstIndex: one.index })),
    });
  }

  toString(): string {
    return 'reopen()';
  }
}

/** Runs random sequences of writes, reads and restarts against a store and the array. */
export async function checkAgainstModel(makePlace: () => Promise<StorePlace>): Promise<void> {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const commands = [
    fc.array(writePlans, { minLength: 1, maxLength: 4 }).map((plans) => new Write(plans)),
    fc
      .tuple(fc.tuple(share, share), fc.integer({ min: 1, max: 3000 }))
      .map(([shares, bytesMax]) => new Read(shares, bytesMax)),
    fc.constant(new Reopen()),
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 30 }), async (sequence) => {
      await using place = await makePlace();
      const model: Model = { snapshot: null, entries: [], hardState: hardState(0) };
      const real: Real = { place, store: await place.open() };
      await fc.asyncModelRun(() => ({ model, real }), sequence);
      await new Reopen().run(model, real);
      await real.store.close();
    }),
    { numRuns: 40 },
  );
}

function baseOf(model: Pick<Model, 'snapshot'>): number {
  return model.snapshot?.last.index ?? 0;
}

/** Makes the batch that fits the model as it is now, and carries it out there. */
function applyToModel(model: Model, plan: WritePlan): LogBatch {
  const { length } = model.entries;
  const truncateAt = plan.truncateShare === null ? null : Math.floor(plan.truncateShare * length);
  const truncateFrom = truncateAt === null ? undefined : baseOf(model) + 1 + truncateAt;
  model.entries = model.entries.slice(0, truncateAt ?? length);
  // A truncation makes room for a newer term, as in Raft; so two versions of an entry differ.
  const term = model.hardState.term + plan.termStep + (truncateFrom === undefined ? 0 : 1);
  const taken = compactModel(model, plan, term);
  const added = plan.sizes.map((size, offset) => {
    const index = baseOf(model) + model.entries.length + 1 + offset;
    const made = entry(index, term, new Uint8Array(size).fill(index * 31 + term));
    return size % membershipShare === 0 ? { ...made, kind: EntryKind.membership } : made;
  });
  const isNewTerm = term > model.hardState.term;
  const next = isNewTerm || plan.votes ? hardState(term, plan.votes ? 'n1' : null) : undefined;
  model.entries = [...model.entries, ...added];
  if (next !== undefined) model.hardState = next;
  return batch({
    entries: added,
    ...(truncateFrom === undefined ? {} : { truncateFrom }),
    ...(taken === null ? {} : { snapshot: taken }),
    ...(next === undefined ? {} : { hardState: next }),
  });
}

function compactModel(model: Model, plan: WritePlan, term: number): SnapshotMeta | null {
  if (plan.snapshotShare === null) return null;
  const count = Math.floor(plan.snapshotShare * (model.entries.length + 2));
  if (count === 0) return null;
  const index = baseOf(model) + count;
  const last = model.entries[count - 1];
  const taken = snapshot(index, last?.term ?? term, index % 2 === 0 ? ['n1', 'n2'] : []);
  model.entries = model.entries.slice(count);
  model.snapshot = taken;
  return taken;
}

function expectedRead(range: readonly Entry[], bytesMax: number): Entry[] {
  const found: Entry[] = [];
  let bytes = 0;
  for (const one of range) {
    found.push(one);
    bytes += one.payload.length;
    if (bytes >= bytesMax) break;
  }
  return found;
}

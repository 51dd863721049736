import { SeededRandom } from '../../base/random.ts';
import type { NemesisEntry } from './nemesis/catalogue.ts';
import { shuffled } from './nemesis/topology.ts';

// When which fault comes. Pure: the same seed and options give the same plan, whatever the machine.

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** What may come; none is a run without faults. */
  readonly nemeses: readonly NemesisEntry[];
}

export interface PlannedFault {
  /** From 0, by its begin. */
  readonly fault: number;
  readonly nemesis: string;
  readonly variant: string;
  /** From the start of the load. */
  readonly beginMs: number;
  readonly endMs: number;
  /** Of the luck with which it chooses its victims. */
  readonly seed: number;
  /** Another fault is under way at some moment of it. */
  readonly overlaps: boolean;
}

/** Without faults at the start: what the rate is compared with. */
const leadMs = 8_000;
/** Without faults at the end: the last of them must be overcome as well. */
const tailMs = 12_000;
const restMs = [6_000, 10_000] as const;
/** Of three faults that another may join, one is joined. */
const joinedOneIn = 3;
/** The first must have been overcome as far as it can be, or its victims cannot be told from the other's. */
const joinAfterMs = 2_500;

/**
 * Every nemesis in turn, in an order of its own each round, and every variant of it before any comes again. Between faults there is a rest;
 * now and then a fault of another family joins one.
 */
export function planFaults({ seed, durationMs, nemeses }: PlanOptions): readonly PlannedFault[] {
  if (nemeses.length === 0) return [];
  const random = new SeededRandom(seed);
  const between = ([low, high]: readonly [number, number]): number => random.below(low, high);
  const draw = new Draw(nemeses, random);
  const planned: PlannedFault[] = [];
  const add = (drawn: Drawn, beginMs: number, endMs: number, overlaps: boolean): void => {
    const { entry, variant } = drawn;
    const fault = planned.length;
    planned.push({
      ...{ fault, nemesis: entry.name, variant, beginMs, endMs },
      ...{ seed: random.below(0, 0x1_0000_0000), overlaps },
    });
  };
  for (let beginMs = leadMs; ; ) {
    const first = draw.next();
    const endMs = beginMs + between(first.entry.lastsMs);
    if (endMs > durationMs - tailMs) return planned;
    const joined = random.below(0, joinedOneIn) === 0 ? draw.otherFamily(first) : null;
    const joinMs = beginMs + joinAfterMs;
    const joinEndMs = joined === null ? 0 : joinMs + between(joined.entry.lastsMs);
    const isJoined = joined !== null && joinMs < endMs && joinEndMs <= durationMs - tailMs;
    add(first, beginMs, endMs, isJoined);
    if (isJoined) add(joined, joinMs, joinEndMs, true);
    beginMs = Math.max(endMs, isJoined ? joinEndMs : 0) + between(restMs);
  }
}

interface Drawn {
  readonly entry: NemesisEntry;
  readonly variant: string;
}

/** Bags that are filled again when they are empty. */
class Draw {
  readonly #nemeses: readonly NemesisEntry[];
  readonly #random: SeededRandom;
  #entries: NemesisEntry[] = [];
  readonly #variants = new Map<string, string[]>();

  constructor(nemeses: readonly NemesisEntry[], random: SeededRandom) {
    this.#nemeses = nemeses;
    this.#random = random;
  }

  next(): Drawn {
    if (this.#entries.length === 0) this.#entries = [...shuffled(this.#nemeses, this.#random)];
    const entry = this.#entries.shift();
    if (entry === undefined) throw new Error('a plan needs faults to choose from');
    return this.#variantOf(entry);
  }

  /** One that can come beside another: of another family, and both leave a majority to work with. Null when there is none. */
  otherFamily({ entry, variant }: Drawn): Drawn | null {
    const others = this.#nemeses.filter(({ family }) => family !== entry.family);
    if (others.length === 0 || !isGentle(variant)) return null;
    const other = others[this.#random.below(0, others.length)];
    return other === undefined ? null : this.#variantOf(other);
  }

  #variantOf(entry: NemesisEntry): Drawn {
    const left = this.#variants.get(entry.name) ?? [];
    if (left.length === 0) left.push(...shuffled(entry.variants, this.#random));
    const variant = left.shift();
    this.#variants.set(entry.name, left);
    if (variant === undefined) throw new Error(`${entry.name} has no variant`);
    return { entry, variant };
  }
}

/** A fault that is aimed at the leader needs one, so nothing joins what leaves none. */
function isGentle(variant: string): boolean {
  return !/^(majority|all)-|^(ring|everyone-alone|flapping)$/.test(variant);
}

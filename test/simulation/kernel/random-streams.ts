import { type Random, SeededRandom } from '../../../base/random.ts';

/**
 * One seed, many independent sources of luck, each with a name (`network`, `disk n2`, `clients`). Drawing once more from one
 * of them changes nothing in the others, so a run stays recognisable while the code around it changes.
 */
export class RandomStreams {
  readonly seed: number;
  readonly #streams = new Map<string, Random>();

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The same name gives the same stream, where it was left. */
  stream(name: string): Random {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const created = new SeededRandom(seedOf(this.seed, name));
    this.#streams.set(name, created);
    return created;
  }
}

/** FNV-1a over the name, begun at the seed, mixed once more so that neighbouring seeds do not resemble each other. */
function seedOf(seed: number, name: string): number {
  let hash = Math.imul(seed ^ 0x811c9dc5, 0x01000193);
  for (let place = 0; place < name.length; place += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(place), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x21f0aaad);
  return hash ^ (hash >>> 15);
}

/** True in `permille` of a thousand cases. Draws nothing when the answer is certain. */
export function happens(random: Random, permille: number): boolean {
  return permille > 0 && (permille >= 1000 || random.below(0, 1000) < permille);
}

/** One of the items; there must be one. */
export function pickFrom<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[random.below(0, items.length)];
  if (item === undefined) throw new RangeError('there is nothing to pick from');
  return item;
}

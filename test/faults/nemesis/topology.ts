import { assertNever } from '../../../base/assert.ts';
import type { Random } from '../../../base/random.ts';
import type { LinkFault } from '../site.ts';
import type { PartitionVariant } from './catalogue.ts';

// Which links a partition cuts. Pure.

export interface TopologyOptions {
  readonly ids: readonly string[];
  readonly leader: string;
  readonly random: Random;
}

/** The links that are cut, each direction on its own. `flapping` cuts them and lets them go again and again. */
export function cutLinks(
  variant: PartitionVariant,
  { ids, leader, random }: TopologyOptions,
): readonly LinkFault[] {
  const others = shuffled(
    ids.filter((id) => id !== leader),
    random,
  );
  const minorityMax = Math.floor((ids.length - 1) / 2);
  switch (variant) {
    case 'leader-in-minority':
    case 'flapping': {
      const minority = [leader, ...others.slice(0, random.below(0, minorityMax))];
      return between(minority, without(ids, minority));
    }
    case 'leader-in-majority': {
      const minority = others.slice(0, random.below(1, minorityMax + 1));
      return between(minority, without(ids, minority));
    }
    case 'halves': {
      const half = shuffled(ids, random).slice(0, Math.floor(ids.length / 2));
      return between(half, without(ids, half));
    }
    case 'isolate-one': {
      const one = shuffled(ids, random).slice(0, 1);
      return between(one, without(ids, one));
    }
    case 'bridge': {
      const [, ...sides] = shuffled(ids, random);
      const left = sides.slice(0, Math.floor(sides.length / 2));
      return between(left, without(sides, left));
    }
    case 'ring':
      return ring(shuffled(ids, random));
    case 'leader-mute':
      return others.map((to) => cut(leader, to));
    case 'leader-deaf':
      return others.map((from) => cut(from, leader));
    case 'everyone-alone':
      return pairs(ids).map(([from, to]) => cut(from, to));
    default:
      return assertNever(variant);
  }
}

/**
 * Each hears its two neighbours, so that no two majorities are the same; of three nodes that would be all, and each hears only the one
 * before it.
 */
function ring(ids: readonly string[]): readonly LinkFault[] {
  const size = ids.length;
  return pairs(ids).flatMap(([from, to]) => {
    const steps = (ids.indexOf(to) - ids.indexOf(from) + size) % size;
    const isNeighbour = steps === 1 || (size > 3 && steps === size - 1);
    return isNeighbour ? [] : [cut(from, to)];
  });
}

/**
 * Some node hears a majority, itself included, and is heard by it: it can lead. Links on which only some packets are lost count as
 * whole, and so do those on which only sessions are cut.
 */
export function isMajorityWhole(ids: readonly string[], faults: readonly LinkFault[]): boolean {
  const isCut = (from: string, to: string): boolean =>
    faults.some(
      (fault) =>
        fault.from === from &&
        fault.to === to &&
        fault.traffic === 'everything' &&
        fault.lostPermille === 1000,
    );
  return ids.some((center) => {
    const reached = ids.filter((id) => id === center || !(isCut(center, id) || isCut(id, center)));
    return reached.length > ids.length / 2;
  });
}

function between(left: readonly string[], right: readonly string[]): readonly LinkFault[] {
  return left.flatMap((one) => right.flatMap((other) => [cut(one, other), cut(other, one)]));
}

function cut(from: string, to: string): LinkFault {
  return { from, to, traffic: 'everything', lostPermille: 1000, delayMs: 0 };
}

/** Every link, in both directions. */
export function pairs(ids: readonly string[]): readonly (readonly [string, string])[] {
  return ids.flatMap((from) => ids.flatMap((to) => (from === to ? [] : [[from, to] as const])));
}

function without(ids: readonly string[], gone: readonly string[]): readonly string[] {
  return ids.filter((id) => !gone.includes(id));
}

/** Fisher and Yates. */
export function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const left = [...items];
  const result: Item[] = [];
  while (left.length > 0) result.push(...left.splice(random.below(0, left.length), 1));
  return result;
}

import { assert } from '../../../base/assert.ts';
import type { Random } from '../../../base/random.ts';
import type { Direction } from './network.ts';

/** Shapes of HAZARDS N1. Flapping is one of them, made and lifted again and again. */
export const PartitionShape = {
  /** Two groups that hear nothing of each other. */
  halves: 'halves',
  /** One against all others. */
  isolate: 'isolate',
  /** Two groups and one host that hears both. */
  bridge: 'bridge',
  /** Everyone hears a majority, each another one: the hosts stand in a ring and hear their neighbours. */
  ring: 'ring',
  /** One sends and is heard, but hears nobody. */
  deaf: 'deaf',
  /** One hears everybody and is heard by nobody. */
  mute: 'mute',
  /** One direction of one link. */
  oneWay: 'one-way',
} as const;
export type PartitionShape = (typeof PartitionShape)[keyof typeof PartitionShape];

/** The directions to block between the hosts. `focus` is the host that stands alone where the shape has such a one. */
export function partition(options: {
  readonly shape: PartitionShape;
  readonly hosts: readonly string[];
  readonly focus: string;
  readonly random: Random;
}): Direction[] {
  const { shape, hosts, focus, random } = options;
  assert(hosts.includes(focus), `${focus} is none of the hosts`);
  const others = hosts.filter((host) => host !== focus);
  switch (shape) {
    case 'halves': {
      const side = new Map(hosts.map((host) => [host, random.below(0, 2)]));
      return pairs(hosts).filter(({ from, to }) => side.get(from) !== side.get(to));
    }
    case 'isolate':
      return others.flatMap((other) => both(focus, other));
    case 'bridge': {
      const half = Math.floor(others.length / 2);
      const left = new Set(others.slice(0, half));
      return pairs(others).filter(({ from, to }) => left.has(from) !== left.has(to));
    }
    case 'ring':
      return pairs(hosts).filter(({ from, to }) => !areNear(hosts, from, to));
    case 'deaf':
      return others.map((other) => ({ from: other, to: focus }));
    case 'mute':
      return others.map((other) => ({ from: focus, to: other }));
    case 'one-way': {
      const other = others[random.below(0, others.length)];
      return other === undefined ? [] : [{ from: focus, to: other }];
    }
  }
}

function pairs(hosts: readonly string[]): Direction[] {
  return hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => ({ from, to })));
}

function both(left: string, right: string): Direction[] {
  return [
    { from: left, to: right },
    { from: right, to: left },
  ];
}

/** Whether the two hear each other in the ring: so far apart that each host and those it hears are just a majority. */
function areNear(hosts: readonly string[], from: string, to: string): boolean {
  const reach = Math.max(1, Math.ceil(Math.floor(hosts.length / 2) / 2));
  const apart = Math.abs(hosts.indexOf(from) - hosts.indexOf(to));
  return Math.min(apart, hosts.length - apart) <= reach;
}

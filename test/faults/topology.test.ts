import { expect, test } from 'vitest';
import { SeededRandom } from '../../base/random.ts';
import { type PartitionVariant, partitionVariants } from './nemesis/catalogue.ts';
import { cutLinks, isMajorityWhole } from './nemesis/topology.ts';
import type { LinkFault } from './site.ts';

const sizes = [3, 5] as const;
const leader = 'n2';

/** Every way in which the luck of many seeds cuts these nodes. */
function cuts(variant: PartitionVariant, size: number): readonly (readonly LinkFault[])[] {
  const ids = idsOf(size);
  return Array.from({ length: 40 }, (_, seed) =>
    cutLinks(variant, { ids, leader, random: new SeededRandom(seed) }),
  );
}

function idsOf(size: number): readonly string[] {
  return Array.from({ length: size }, (_, index) => `n${index + 1}`);
}

function isCut(links: readonly LinkFault[], from: string, to: string): boolean {
  return links.some((link) => link.from === from && link.to === to);
}

/** Nodes that hear each other both ways, the node itself included. */
function reach(links: readonly LinkFault[], ids: readonly string[], id: string): readonly string[] {
  return ids.filter(
    (other) => other === id || !(isCut(links, id, other) || isCut(links, other, id)),
  );
}

test('no partition cuts a node from itself or names a link twice, and each cuts something', () => {
  for (const size of sizes) {
    for (const links of partitionVariants.flatMap((variant) => cuts(variant, size))) {
      expect(links.length).toBeGreaterThan(0);
      expect(links.some(({ from, to }) => from === to)).toBe(false);
      expect(new Set(links.map(({ from, to }) => `${from} ${to}`)).size).toBe(links.length);
    }
  }
});

test('a leader in the minority reaches no majority, one in the majority does', () => {
  for (const size of sizes) {
    const ids = idsOf(size);
    for (const links of cuts('leader-in-minority', size)) {
      expect(reach(links, ids, leader).length).toBeLessThan(size / 2);
    }
    for (const links of cuts('leader-in-majority', size)) {
      expect(reach(links, ids, leader).length).toBeGreaterThan(size / 2);
      expect(reach(links, ids, leader).length).toBeLessThan(size);
    }
  }
});

test('a bridge is one node that hears all, while two sides do not hear each other', () => {
  for (const size of sizes) {
    const ids = idsOf(size);
    for (const links of cuts('bridge', size)) {
      const reached = ids.map((id) => reach(links, ids, id).length).sort((a, b) => b - a);
      expect(reached[0]).toBe(size);
      expect(reached[1]).toBeLessThan(size);
    }
  }
});

test('in a ring of five each hears its two neighbours, and no two hear the same', () => {
  const ids = idsOf(5);
  for (const links of cuts('ring', 5)) {
    const reached = ids.map((id) => [...reach(links, ids, id)].sort().join(' '));
    expect(reached.every((heard) => heard.split(' ').length === 3)).toBe(true);
    expect(new Set(reached).size).toBe(5);
  }
});

test('in a ring of three each hears one other, which does not hear it', () => {
  const ids = idsOf(3);
  for (const links of cuts('ring', 3)) {
    for (const id of ids) {
      const heard = ids.filter((other) => other !== id && !isCut(links, other, id));
      expect(heard.length).toBe(1);
      expect(isCut(links, id, heard[0] ?? '')).toBe(true);
    }
  }
});

test('a mute leader is heard by nobody and hears all, a deaf one the other way round', () => {
  for (const size of sizes) {
    for (const other of idsOf(size).filter((id) => id !== leader)) {
      for (const links of cuts('leader-mute', size)) {
        expect([isCut(links, leader, other), isCut(links, other, leader)]).toEqual([true, false]);
      }
      for (const links of cuts('leader-deaf', size)) {
        expect([isCut(links, leader, other), isCut(links, other, leader)]).toEqual([false, true]);
      }
    }
  }
});

test('a majority is whole where some node can lead one', () => {
  const whole = (variant: PartitionVariant, size: number): boolean[] => [
    ...new Set(cuts(variant, size).map((links) => isMajorityWhole(idsOf(size), links))),
  ];

  for (const size of sizes) {
    expect(whole('leader-in-minority', size)).toEqual([true]);
    expect(whole('halves', size)).toEqual([true]);
    expect(whole('bridge', size)).toEqual([true]);
    expect(whole('leader-deaf', size)).toEqual([true]);
    expect(whole('everyone-alone', size)).toEqual([false]);
  }
  expect(whole('ring', 3)).toEqual([false]);
  expect(whole('ring', 5)).toEqual([true]);
});

test('links that lose some packets, or only sessions, leave the majority whole', () => {
  const all = cutLinks('everyone-alone', {
    ids: idsOf(3),
    leader,
    random: new SeededRandom(1),
  });

  expect(isMajorityWhole(idsOf(3), all)).toBe(false);
  expect(
    isMajorityWhole(
      idsOf(3),
      all.map((link) => ({ ...link, lostPermille: 200 })),
    ),
  ).toBe(true);
  expect(
    isMajorityWhole(
      idsOf(3),
      all.map((link) => ({ ...link, traffic: 'sessions' })),
    ),
  ).toBe(true);
});

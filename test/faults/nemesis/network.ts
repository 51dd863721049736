import { setTimeout as delay } from 'node:timers/promises';
import type { FaultSite, LinkFault, LinkProof } from '../site.ts';
import { partitionVariants } from './catalogue.ts';
import type { Nemesis, Observation, StruckFault } from './nemesis.ts';
import { type ServingLeader, servingLeader } from './serving-leader.ts';
import { cutLinks, isMajorityWhole, pairs } from './topology.ts';

/** Nodes stop speaking, or hear only some. Begins again when another leads by the time the links are cut. */
export const partition: Nemesis = {
  async strike({ site, variant: name, random, over }): Promise<StruckFault> {
    const variant = partitionVariants.find((known) => known === name);
    if (variant === undefined) throw new Error(`no such partition: ${name}`);
    const ids = site.nodes.map(({ id }) => id);
    const needsLeader = variant.startsWith('leader') || variant === 'flapping';
    return await strikeLinks(site, {
      links: (leader) => cutLinks(variant, { ids, leader, random }),
      needsLeader,
      flapping: variant === 'flapping' ? over : null,
    });
  },
};

/** A part of all packets between nodes is lost. */
export const loss: Nemesis = {
  async strike({ site, variant }): Promise<StruckFault> {
    const lostPermille = Number.parseInt(variant, 10) * 10;
    const links = pairs(site.nodes.map(({ id }) => id)).map(([from, to]) => ({
      ...{ from, to, lostPermille },
      ...{ traffic: 'everything' as const, delayMs: 0 },
    }));
    return await strikeLinks(site, { links: () => links, needsLeader: false, flapping: null });
  },
};

/** Whatever one node sends another comes later. */
export const delays: Nemesis = {
  async strike({ site, variant }): Promise<StruckFault> {
    const delayMs = Number.parseInt(variant, 10);
    const links = pairs(site.nodes.map(({ id }) => id)).map(([from, to]) => ({
      ...{ from, to, delayMs, lostPermille: 0 },
      traffic: 'everything' as const,
    }));
    return await strikeLinks(site, { links: () => links, needsLeader: false, flapping: null });
  },
};

/** Raft works, and the proxies of the others cannot pass sessions on to the leader. */
export const sessions: Nemesis = {
  async strike({ site }): Promise<StruckFault> {
    const links = (leader: string): readonly LinkFault[] =>
      site.nodes.flatMap(({ id: from }) =>
        from === leader
          ? []
          : [{ from, to: leader, traffic: 'sessions', lostPermille: 1000, delayMs: 0 }],
      );
    return await strikeLinks(site, { links, needsLeader: true, flapping: null });
  },
};

interface LinkStrike {
  links(leader: string): readonly LinkFault[];
  /** It is no such fault unless that node leads when the links are cut. */
  readonly needsLeader: boolean;
  /** Not null: the links come and go until this aborts. */
  readonly flapping: AbortSignal | null;
}

const attemptsMax = 3;
const flapMs = 1_500;

async function strikeLinks(site: FaultSite, strike: LinkStrike): Promise<StruckFault> {
  for (let attempt = 1; ; attempt += 1) {
    const leader = await servingLeader(site);
    const links = strike.links(leader.id);
    const atMs = performance.now();
    await site.network.apply(links);
    const stillLed = strike.needsLeader ? await ledWhenCut(site, leader) : true;
    if (!stillLed && attempt < attemptsMax) {
      await site.network.apply([]);
      continue;
    }
    const proofs = await site.network.prove();
    const flapping = strike.flapping === null ? null : flap(site, links, strike.flapping);
    return {
      atMs,
      detail: `${describe(links)}; leader ${leader.id} of term ${leader.term}; ${evidence(proofs)}`,
      confirmed: stillLed && isProven(proofs),
      isMajorityWhole: isMajorityWhole(
        site.nodes.map(({ id }) => id),
        links,
      ),
      end: () => heal(site, flapping),
    };
  }
}

/**
 * The node was asked before the cut; after it, it says that it leads in that term still, or that it has given up in it. Another
 * leader of the same term there cannot be, and one of a later term that it follows would have been in reach.
 */
async function ledWhenCut(site: FaultSite, leader: ServingLeader): Promise<boolean> {
  const after = await site.status(leader.id);
  if (after === null) return false;
  return after.raft.term === leader.term;
}

/** Answers how often the links came and went. */
async function flap(
  site: FaultSite,
  links: readonly LinkFault[],
  over: AbortSignal,
): Promise<number> {
  let turns = 1;
  for (let isCut = true; !over.aborted; isCut = !isCut) {
    await delay(flapMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) break;
    await site.network.apply(isCut ? [] : links);
    turns += 1;
  }
  return turns;
}

async function heal(site: FaultSite, flapping: Promise<number> | null): Promise<Observation> {
  const turns = await flapping;
  const atMs = performance.now();
  await site.network.apply([]);
  const proofs = await site.network.proveHealed();
  const flaps = turns === null ? '' : `, links changed ${turns} times`;
  return {
    atMs,
    detail: `healed; ${evidence(proofs)}${flaps}`,
    confirmed: isProven(proofs) && (turns === null || turns > 1),
  };
}

/** Of links that lose some packets those count that have something to carry: two followers say little to each other. */
function isProven(proofs: readonly LinkProof[]): boolean {
  const isLossy = proofs.every(
    ({ link }) => link.delayMs > 0 || (link.lostPermille > 0 && link.lostPermille < 1000),
  );
  if (isLossy) return proofs.some(({ confirmed }) => confirmed);
  return proofs.length > 0 && proofs.every(({ confirmed }) => confirmed);
}

function describe(links: readonly LinkFault[]): string {
  return links
    .map(({ from, to, lostPermille, delayMs }) => {
      if (lostPermille === 1000) return `${from}↛${to}`;
      return `${from}→${to} ${delayMs > 0 ? `+${delayMs} ms` : `loses ${lostPermille / 10}%`}`;
    })
    .join(' ');
}

function evidence(proofs: readonly LinkProof[]): string {
  const proven = proofs.filter(({ confirmed }) => confirmed).length;
  if (isProven(proofs)) return `${proven} of ${proofs.length} links proven`;
  const doubtful = proofs.filter(({ confirmed }) => !confirmed);
  return doubtful
    .map(({ link, evidence: seen }) => `NOT ${link.from}→${link.to}: ${seen}`)
    .join(', ');
}

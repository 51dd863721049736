import { setTimeout as delay } from 'node:timers/promises';
import type { DiskPart, FaultDisks, FaultSite } from '../site.ts';
import { diskFaults } from './catalogue.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Nemesis, Observation, StruckFault } from './nemesis.ts';
import { servingLeader } from './serving-leader.ts';

/** What hangs most of the time is slow: each hang lasts as long as it takes to see it. */
const slowWorkMs = 200;

/** The disk of one node's log or server is full, hangs, or is slow. A node that gave up is started again in the end, as an operator would. */
export const disk: Nemesis = {
  async strike({ site, variant, random, over }): Promise<StruckFault> {
    const { disks } = site;
    if (disks === null) throw new Error('nodes have no disks of their own here');
    const leader = await servingLeader(site);
    const others = site.nodes.filter((node) => node.id !== leader.id);
    const follower = others[random.below(0, others.length)]?.id ?? leader.id;
    const id = variant.startsWith('leader') ? leader.id : follower;
    const part: DiskPart = variant.includes('-log-') ? 'log' : 'mysql';
    const fault = diskFaults.find((name) => variant.endsWith(`-${name}`));
    if (fault === undefined) throw new Error(`no such variant: ${variant}`);
    const atMs = performance.now();
    const confirmed = fault === 'full' ? await disks.fill(id, part) : await disks.freeze(id, part);
    const crawling = fault === 'slow' ? crawl(disks, { id, part, over }) : null;
    return {
      ...{ atMs, confirmed, isMajorityWhole: true },
      detail: `disk of ${id}/${part} ${fault}; ${leader.id} led in term ${leader.term}`,
      end: async () => {
        const turns = await crawling;
        const slow = turns === null ? '' : `hung ${turns} times; `;
        const back = await (fault === 'full' ? disks.free(id, part) : disks.thaw(id, part));
        return await recovered(site, { id, isBack: back, slow });
      },
    };
  },
};

/** Answers how often the disk hung. */
async function crawl(
  disks: FaultDisks,
  { id, part, over }: { readonly id: string; readonly part: DiskPart; readonly over: AbortSignal },
): Promise<number> {
  let turns = 1;
  while (!over.aborted) {
    await disks.thaw(id, part);
    await delay(slowWorkMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) break;
    await disks.freeze(id, part);
    turns += 1;
  }
  return turns;
}

async function recovered(
  site: FaultSite,
  { id, isBack, slow }: { readonly id: string; readonly isBack: boolean; readonly slow: string },
): Promise<Observation> {
  const gaveUp = site.givenUp.includes(id);
  if (gaveUp) site.revive(id);
  const back = await allPlayRoles(site);
  return {
    ...back,
    detail: `${slow}${gaveUp ? `${id} had given up and was started again; ` : ''}${back.detail}`,
    confirmed: back.confirmed && isBack,
  };
}

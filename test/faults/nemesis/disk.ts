import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import { isDead, lifeOf } from '../../support/processes.ts';
import type { DiskPart, FaultDisks, FaultSite } from '../site.ts';
import { type DiskFault, diskFaults } from './catalogue.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Nemesis, StruckFault } from './nemesis.ts';
import { servingLeader } from './serving-leader.ts';

/** What hangs most of the time is slow: each hang lasts as long as it takes to see it. */
const slowWorkMs = 200;
/** Under load something is written several times a second. */
const diesMs = 20_000;
/** With which a node ends whose log cannot be written: to go on, or to try the same sync again, would acknowledge what is on no disk (HAZARDS R17). */
const logFailures: readonly string[] = ['LOG_STORE_FAILED', 'DATA_NOT_WRITABLE', 'DISK_FULL'];

/** The disk of one node's log or server is full, hangs, is slow, or fails. A node that gave up is started again in the end, as an operator would. */
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
    const struck = await strikes[fault](site, { disks, id, part, over });
    return {
      ...{ atMs, confirmed: struck.confirmed, isMajorityWhole: true },
      detail: `disk of ${id}/${part} ${fault}; ${struck.detail}${leader.id} led in term ${leader.term}`,
      end: async () => {
        const ended = await struck.end();
        const isDown = site.givenUp.includes(id);
        if (isDown) site.revive(id);
        const back = await allPlayRoles(site);
        return {
          ...back,
          detail: `${ended.detail}${isDown ? `${id} was down and was started again; ` : ''}${back.detail}`,
          confirmed: back.confirmed && ended.isWell,
        };
      },
    };
  },
};

interface Struck {
  readonly confirmed: boolean;
  /** Empty, or ends with a semicolon. */
  readonly detail: string;
  end(): Promise<{ readonly detail: string; readonly isWell: boolean }>;
}

interface Place {
  readonly disks: FaultDisks;
  readonly id: string;
  readonly part: DiskPart;
  readonly over: AbortSignal;
}

const strikes: Readonly<Record<DiskFault, (site: FaultSite, place: Place) => Promise<Struck>>> = {
  full: async (_site, { disks, id, part }) => ({
    ...{ confirmed: await disks.fill(id, part), detail: '' },
    end: async () => ({ detail: '', isWell: await disks.free(id, part) }),
  }),
  hangs: async (_site, { disks, id, part }) => ({
    ...{ confirmed: await disks.freeze(id, part), detail: '' },
    end: async () => ({ detail: '', isWell: await disks.thaw(id, part) }),
  }),
  slow: async (_site, place) => {
    const { disks, id, part } = place;
    const confirmed = await disks.freeze(id, part);
    const crawling = crawl(place);
    return {
      ...{ confirmed, detail: '' },
      end: async () => {
        const detail = `hung ${await crawling} times; `;
        return { detail, isWell: await disks.thaw(id, part) };
      },
    };
  },
  fails,
};

/** Answers how often the disk hung. */
async function crawl({ disks, id, part, over }: Place): Promise<number> {
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

/** Whoever was told of the error must be gone: the node when its log failed, the server when its data did. */
async function fails(site: FaultSite, { disks, id, part }: Place): Promise<Struck> {
  const status = await site.status(id);
  const pid = part === 'log' ? site.sidecarPid(id) : (status?.mysql.pid ?? null);
  if (pid === null) throw new Error(`${id} does not run`);
  const life = lifeOf(pid);
  const exitsBefore = site.exits(id).length;
  const isFailing = await disks.fail(id, part);
  const isGone = await eventually(
    async () => isDead(life) || null,
    `process ${pid} is gone`,
    diesMs,
  ).catch(() => false);
  const [why = null] = site.exits(id).slice(exitsBefore);
  const isStopped = isGone && (part === 'mysql' || (why !== null && logFailures.includes(why)));
  return {
    confirmed: isFailing && isStopped,
    detail: `process ${pid} ${isGone ? 'is gone' : 'LIVES ON'}${why === null ? '' : ` (${why})`}; `,
    end: async () => {
      await site.stop(id);
      return { detail: '', isWell: await disks.mend(id, part) };
    },
  };
}

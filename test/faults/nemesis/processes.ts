import { assertNever } from '../../../base/assert.ts';
import type { Random } from '../../../base/random.ts';
import { eventually } from '../../support/eventually.ts';
import {
  isDead,
  isPaused,
  lifeOf,
  type ProcessLife,
  kill as signal,
  standsStill,
  pause as stop,
} from '../../support/processes.ts';
import type { FaultSite } from '../site.ts';
import { type ProcessPart, processVariant, type Victims } from './catalogue.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Nemesis, Observation, StruckFault } from './nemesis.ts';
import { servingLeader } from './serving-leader.ts';
import { shuffled } from './topology.ts';

/** SIGKILL: no goodbye. The supervisor starts a sidecar again, a sidecar its server. */
export const kill: Nemesis = {
  strike: ({ site, variant, random }) => strikeProcesses(site, { variant, random, how: 'SIGKILL' }),
};

/** SIGTERM: a sidecar hands over and stops in order; a server shuts down behind its sidecar's back (HAZARDS H2). */
export const terminate: Nemesis = {
  strike: ({ site, variant, random }) => strikeProcesses(site, { variant, random, how: 'SIGTERM' }),
};

/** SIGSTOP, and SIGCONT in the end: to the others, a process that hangs. */
export const pause: Nemesis = {
  strike: ({ site, variant, random }) => strikeProcesses(site, { variant, random, how: 'SIGSTOP' }),
};

interface ProcessStrike {
  readonly variant: string;
  readonly random: Random;
  readonly how: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';
}

interface Victim extends ProcessLife {
  readonly name: string;
}

/** A sidecar that stops in order waits for a transfer and for its server. */
const dyingMs = 40_000;
/** A server may have to recover from a crash, and be fed what it missed. */
const returnMs = 180_000;

async function strikeProcesses(site: FaultSite, strike: ProcessStrike): Promise<StruckFault> {
  const { whom, part } = processVariant(strike.variant);
  const leader = await servingLeader(site);
  const ids = choose(site, { whom, leader: leader.id, random: strike.random });
  const found = await victimsOf(site, ids, part);
  const atMs = performance.now();
  const struck = await strikeAll(found, strike.how);
  const names = found.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  return {
    atMs,
    detail: `${strike.how} to ${names}; ${leader.id} led in term ${leader.term}; ${struck ? 'took effect' : 'NOT seen'}`,
    confirmed: struck && found.length >= ids.length,
    isMajorityWhole: whom === 'leader' || whom === 'follower',
    end: () => (strike.how === 'SIGSTOP' ? goOn(site, found) : allPlayRoles(site, found)),
  };
}

function choose(
  site: FaultSite,
  { whom, leader, random }: { whom: Victims; leader: string; random: Random },
): readonly string[] {
  const ids = shuffled(
    site.nodes.map(({ id }) => id),
    random,
  );
  switch (whom) {
    case 'leader':
      return [leader];
    case 'follower':
      return ids.filter((id) => id !== leader).slice(0, 1);
    case 'majority':
      return ids.slice(0, Math.floor(ids.length / 2) + 1);
    case 'all':
      return ids;
    default:
      return assertNever(whom);
  }
}

/** Those that run: one that another fault has killed a moment ago may have no server yet, which is waited for. */
async function victimsOf(
  site: FaultSite,
  ids: readonly string[],
  part: ProcessPart,
): Promise<readonly Victim[]> {
  const found = ids.map((id) =>
    eventually(
      async () => {
        const status = await site.status(id);
        const pid = site.sidecarPid(id);
        if (status === null || pid === null || status.mysql.pid === null) return null;
        const sidecar: Victim = { ...lifeOf(pid), name: `${id}/sidecar` };
        const server: Victim = { ...lifeOf(status.mysql.pid), name: `${id}/mysqld` };
        // The server first: a sidecar that is alive would see its server die.
        return part === 'both' ? [sidecar, server] : part === 'sidecar' ? [sidecar] : [server];
      },
      `${id} runs`,
      returnMs,
    ),
  );
  return (await Promise.all(found)).flat();
}

/** All at once, then waits until each has obeyed. */
async function strikeAll(
  found: readonly Victim[],
  how: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP',
): Promise<boolean> {
  for (const { pid } of found) signal(pid, how);
  const obeyed = eventually(
    async () =>
      (how === 'SIGSTOP' ? found.every(({ pid }) => standsStill(pid)) : found.every(isDead)) ||
      null,
    `every process obeyed ${how}`,
    dyingMs,
  );
  if (how === 'SIGSTOP')
    await Promise.all(found.map(({ pid }) => stop(pid).catch(() => undefined)));
  return await obeyed.catch(() => false);
}

async function goOn(site: FaultSite, found: readonly Victim[]): Promise<Observation> {
  const stillStopped = found.filter((victim) => isPaused(victim.pid));
  const atMs = performance.now();
  for (const { pid } of found) signal(pid, 'SIGCONT');
  const back = await allPlayRoles(site);
  const detail = `SIGCONT to ${stillStopped.length} of ${found.length} that stood still to the end; ${back.detail}`;
  return { atMs, detail, confirmed: back.confirmed };
}

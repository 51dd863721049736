import type { ClockFault, FaultSite } from '../site.ts';
import { clockFaults } from './catalogue.ts';
import type { Nemesis, Observation, StruckFault } from './nemesis.ts';
import { servingLeader } from './serving-leader.ts';

const faultsByName: Readonly<Record<(typeof clockFaults)[number], ClockFault>> = {
  forward: { offsetSeconds: 3_600, rate: 1 },
  backward: { offsetSeconds: -86_400, rate: 1 },
  fast: { offsetSeconds: 0, rate: 3 },
  slow: { offsetSeconds: 0, rate: 0.25 },
};

/** The wall clocks of sidecars jump or run at another rate. Nothing may rest on them. */
export const clock: Nemesis = {
  async strike({ site, variant, random }): Promise<StruckFault> {
    const { clocks } = site;
    if (clocks === null) throw new Error('clocks cannot be changed here');
    const name = clockFaults.find((known) => variant.endsWith(`-${known}`));
    if (name === undefined) throw new Error(`no such variant: ${variant}`);
    const leader = await servingLeader(site);
    const others = site.nodes.map(({ id }) => id).filter((id) => id !== leader.id);
    const follower = others[random.below(0, others.length)] ?? leader.id;
    const ids = variant.startsWith('all')
      ? [leader.id, ...others]
      : [variant.startsWith('leader') ? leader.id : follower];
    const atMs = performance.now();
    const seen = await Promise.all(ids.map((id) => clocks.set(id, faultsByName[name])));
    return {
      ...{ atMs, confirmed: seen.every(Boolean), isMajorityWhole: true },
      detail: `clock of ${ids.join(', ')} ${name}; ${leader.id} led in term ${leader.term}`,
      end: () => resetAll(site, ids),
    };
  },
};

async function resetAll(site: FaultSite, ids: readonly string[]): Promise<Observation> {
  const atMs = performance.now();
  const back = await Promise.all(ids.map((id) => site.clocks?.reset(id)));
  const detail = `${back.filter(Boolean).length} of ${ids.length} clocks are right again`;
  return { atMs, detail, confirmed: back.every((isRight) => isRight === true) };
}

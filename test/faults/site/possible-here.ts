import type { Family, NemesisEntry } from '../nemesis/catalogue.ts';
import type { FaultOptions } from '../options.ts';
import { canUseClocks } from './clocks.ts';
import { canDelay } from './delay-lines.ts';
import { removeRun } from './leftovers.ts';
import { whyNoNamespaces } from './namespaces.ts';
import type { RunIdentity } from './run-identity.ts';
import { whyNoVolumes } from './volumes.ts';

/** What a run can do on this machine of what it was asked for. */
export interface Possible {
  readonly network: 'namespaces' | 'link-proxies';
  readonly nemeses: readonly NemesisEntry[];
  /** What it cannot do, and why: a line each. */
  readonly missing: readonly string[];
}

export interface Place {
  /** Noted: what is tried out may have to be removed. */
  readonly run: RunIdentity;
  readonly probeFolder: string;
}

/**
 * Namespaces, disks and clocks need root, its rights and some tools: a container may lack any of them, so each is tried. What cannot be
 * done is left out and said, whoever asked for it.
 */
export async function possibleHere(asked: FaultOptions, place: Place): Promise<Possible> {
  const reasons: string[] = [];
  const network = await networkFor(asked, place, reasons);
  const lacking = new Map<Family, string | null>([
    ['clock', canUseClocks() ? null : 'there is no libfaketime'],
  ]);
  if (asked.nemeses.some(({ family }) => family === 'disk')) {
    lacking.set('disk', await whyNoVolumes(place.probeFolder));
  }
  const mayDelay = await canDelay();
  const lacks = ({ name, family }: NemesisEntry): string | null => {
    if (name === 'delay' && network === 'namespaces' && !mayDelay) {
      return 'packets between namespaces are delayed by a TUN device, which is not here, or Perl is not; --network link-proxies delays them too';
    }
    return lacking.get(family) ?? null;
  };
  for (const entry of asked.nemeses) {
    const reason = lacks(entry);
    if (reason !== null) reasons.push(`without ${entry.name}: ${reason}`);
  }
  const nemeses = asked.nemeses.filter((entry) => lacks(entry) === null);
  await removeRun(place.run);
  return { network, nemeses, missing: reasons };
}

async function networkFor(
  { network }: FaultOptions,
  { run }: Place,
  reasons: string[],
): Promise<Possible['network']> {
  if (network === 'link-proxies') return network;
  const why = await whyNoNamespaces(run);
  if (why === null) return 'namespaces';
  if (network === 'namespaces') throw new Error(why);
  reasons.push(`links are cut by proxies: ${why}`);
  return 'link-proxies';
}

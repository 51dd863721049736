import type { Family, NemesisEntry } from '../nemesis/catalogue.ts';
import type { FaultOptions } from '../options.ts';
import { canUseClocks } from './clocks.ts';
import { canUseNamespaces } from './namespaces.ts';
import { canUseVolumes } from './volumes.ts';

/** What a run can do on this machine of what it was asked for. */
export interface Possible {
  readonly network: 'namespaces' | 'link-proxies';
  readonly nemeses: readonly NemesisEntry[];
  /** What it cannot do, and why: a line each. */
  readonly missing: readonly string[];
}

/** Namespaces, disks and clocks need root or a tool; what cannot be done is left out and said, whoever asked for it. */
export async function possibleHere(asked: FaultOptions): Promise<Possible> {
  const inNamespaces = await canUseNamespaces();
  if (asked.network === 'namespaces' && !inNamespaces) {
    throw new Error('network namespaces need root, ip, nft, nsenter and timeout');
  }
  const network = asked.network ?? (inNamespaces ? 'namespaces' : 'link-proxies');
  const lacks = async ({ name, family }: NemesisEntry): Promise<string | null> => {
    if (name === 'delay' && network === 'namespaces') {
      return 'packets between namespaces are lost or arrive, never late; --network link-proxies delays them';
    }
    return await familyLacks(family);
  };
  const judged = await Promise.all(
    asked.nemeses.map(async (entry) => ({ entry, reason: await lacks(entry) })),
  );
  return {
    network,
    nemeses: judged.filter(({ reason }) => reason === null).map(({ entry }) => entry),
    missing: judged.flatMap(({ entry, reason }) =>
      reason === null ? [] : [`without ${entry.name}: ${reason}`],
    ),
  };
}

async function familyLacks(family: Family): Promise<string | null> {
  if (family === 'disk' && !(await canUseVolumes())) {
    return 'volumes need root, loop devices, mkfs.ext4, fsfreeze and fallocate';
  }
  if (family === 'clock' && !canUseClocks()) return 'there is no libfaketime';
  return null;
}

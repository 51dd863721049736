import type { Table } from './report.ts';

/** Global variables of a server, by name. */
export type Settings = ReadonlyMap<string, string>;

/**
 * Who a server is, where it is and what it has done: different on every server, and no setting. `slave` names repeat those with
 * `replica`.
 */
const identity =
  /^(gtid_(executed|purged)|.*uuid|.*port|.*socket|.*dir|.*(_basename|_index|_file|_error)|hostname|server_id|timestamp|.*slave.*|.*_address)$/;

/**
 * A row per setting that all of these servers have and in which they are not all alike. What a plug-in of one of them adds has
 * nothing to be compared with.
 */
export function settingDifferences(
  servers: readonly { readonly name: string; readonly settings: Settings }[],
): Table {
  const names = new Set(servers.flatMap(({ settings }) => [...settings.keys()]));
  const rows = [...names]
    .filter((name) => !identity.test(name))
    .sort()
    .filter((name) => servers.every(({ settings }) => settings.has(name)))
    .map((name) => [name, ...servers.map(({ settings }) => settings.get(name) ?? '')])
    .filter(([, first, ...others]) => others.some((value) => value !== first));
  return { headers: ['setting', ...servers.map(({ name }) => name)], rows };
}

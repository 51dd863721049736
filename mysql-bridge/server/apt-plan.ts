import { join } from 'node:path';

/** One package apt is about to download. */
export interface PlannedPackage {
  readonly fileName: string;
  readonly bytes: number;
  /** As apt prints it, `SHA256:…`; empty when it prints none. */
  readonly digest: string;
}

/** Folders of an apt that shares nothing with the machine's own. */
export interface AptFolders {
  readonly state: string;
  readonly cache: string;
  readonly archives: string;
  readonly partialArchives: string;
  readonly partialLists: string;
}

export function aptFolders(work: string): AptFolders {
  const cache = join(work, 'apt-cache');
  const state = join(work, 'apt-state');
  return {
    state,
    cache,
    archives: join(cache, 'archives'),
    partialArchives: join(cache, 'archives/partial'),
    partialLists: join(state, 'lists/partial'),
  };
}

/**
 * An `apt.conf` for `APT_CONFIG`. The machine's own configuration files are not read, because their hooks act on the
 * machine; of its settings only how to reach the network is carried over. Signatures stay demanded: nothing here says
 * otherwise. With `sourcesPath` null the machine's own sources are used.
 */
export function aptConfiguration(options: {
  readonly work: string;
  readonly architecture: string;
  readonly sourcesPath: string | null;
  readonly acquireLines: readonly string[];
}): string {
  const folders = aptFolders(options.work);
  const nothing = '/dev/null';
  const settings: readonly (readonly [string, string])[] = [
    ['Dir::State', folders.state],
    // An empty status: apt believes that nothing is installed and brings every library along.
    ['Dir::State::status', join(folders.state, 'status')],
    ['Dir::Cache', folders.cache],
    ['Dir::Etc::main', nothing],
    ['Dir::Etc::parts', nothing],
    ['Dir::Etc::preferences', nothing],
    ['Dir::Etc::preferencesparts', nothing],
    ...(options.sourcesPath === null
      ? []
      : ([
          ['Dir::Etc::sourcelist', options.sourcesPath],
          ['Dir::Etc::sourceparts', nothing],
        ] as const)),
    ['APT::Architecture', options.architecture],
    ['APT::Install-Recommends', 'false'],
    ['APT::Install-Suggests', 'false'],
    // The download user of a root apt cannot enter a private cache folder.
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '3'],
    // Only which digest --print-uris names; apt verifies all that the signed index holds.
    ['Acquire::ForceHash', 'SHA256'],
  ];
  const lines = settings.map(([name, value]) => `${name} "${value}";`);
  return `${[...lines, ...options.acquireLines].join('\n')}\n`;
}

/** How this machine reaches the network, out of `apt-config dump`: proxies, certificates, time checks; no extra indexes. */
export function networkSettings(dump: string): readonly string[] {
  const left = /^Acquire::(?:IndexTargets|Languages|Changelogs|Retries|cdrom|CompressionTypes)\b/;
  return dump
    .split('\n')
    .filter((line) => line.startsWith('Acquire::') && line.endsWith('";') && !left.test(line));
}

/** The one line of a Debian `sources.list`: only packages signed by the keyring that Debian ships are accepted. */
export function debianSource(options: {
  readonly mirror: string;
  readonly keyring: string;
}): string {
  return `deb [signed-by=${options.keyring}] ${options.mirror} sid main\n`;
}

/** The mirrors in `apt-get indextargets --format '$(REPO_URI) $(RELEASE)'` that serve the machine's own release. */
export function mirrorsOf(targets: string, codename: string): readonly string[] {
  const mirrors = targets
    .split('\n')
    .map((line) => line.trim().split(' '))
    .filter(([, release]) => release === codename)
    .map(([uri = '']) => uri)
    // A snapshot of the past may hold no MySQL, or one whose archive has moved on.
    .filter((uri) => /^https?:\/\//.test(uri) && !uri.includes('snapshot'));
  return [...new Set(mirrors)];
}

/** Reads `apt-get --print-uris`: `'uri' file-name bytes digest` on each line. */
export function parsePlan(output: string): readonly PlannedPackage[] {
  return [...output.matchAll(/^'[^']+' (\S+\.deb) (\d+) ?(\S*)$/gm)].map(
    ([, fileName = '', bytes = '', digest = '']) => ({ fileName, bytes: Number(bytes), digest }),
  );
}

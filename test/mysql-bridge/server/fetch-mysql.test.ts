import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import {
  type FetchOptions,
  type FetchProgress,
  fetchMySql,
} from '../../../mysql-bridge/server/fetch-mysql.ts';
import type { Machine } from '../../../mysql-bridge/server/machine.ts';
import { fakeProgram, temporaryFolder } from './fixtures.ts';

// apt-get and dpkg-deb are stood in for by shell scripts: what is tested is what is done with them. That the real ones bring
// a MySQL is seen whenever the integration tests run on a machine without one.

const ubuntu: Machine = {
  platform: 'linux',
  architecture: 'amd64',
  family: 'ubuntu',
  codename: 'noble',
};

interface FakeApt {
  readonly update?: string;
  readonly version?: string;
  /** Package names that the source has. */
  readonly serverPackage?: string;
}

/** A search path on which apt-get and dpkg-deb are fakes that log what they are asked. */
async function installFakes(folder: string, apt: FakeApt = {}): Promise<string> {
  const { update = 'true', version = '9.9.1', serverPackage = 'mysql-server-core' } = apt;
  const calls = join(folder, 'calls');
  const bin = join(folder, 'bin');
  const loader = `#!/bin/sh\\necho "mysqld  Ver ${version} for Linux on x86_64 ((Ubuntu))"`;
  await fakeProgram(join(bin, 'apt-get'), [
    `echo "$@" >> '${calls}'`,
    'cache=$(sed -n \'s/^Dir::Cache "\\(.*\\)";$/\\1/p\' "$APT_CONFIG")',
    `case "$1" in update) ${update}; exit;; esac`,
    `case " $* " in *" ${serverPackage} "*) ;; *) echo "E: Unable to locate package" >&2; exit 100;; esac`,
    'case "$*" in',
    '  *--print-uris*) echo "\'http://x/a_1_amd64.deb\' a_1_amd64.deb 5 SHA256:aa";;',
    '  *--download-only*) printf 12345 > "$cache/archives/a_1_amd64.deb";;',
    'esac',
  ]);
  await fakeProgram(join(bin, 'apt-config'), ['echo \'Acquire::http::Proxy "http://p:1";\'']);
  await fakeProgram(join(bin, 'dpkg-deb'), [
    'mkdir -p "$3/usr/sbin" "$3/usr/lib64" "$3/usr/bin"',
    ': > "$3/usr/sbin/mysqld"',
    `printf '${loader}\\n' > "$3/usr/lib64/ld-linux-x86-64.so.2"`,
    'chmod 755 "$3/usr/lib64/ld-linux-x86-64.so.2"',
  ]);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH']}`);
  return calls;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

function optionsIn(folder: string, changes: Partial<FetchOptions> = {}): FetchOptions {
  return {
    machine: ubuntu,
    cacheDirectory: join(folder, 'cache'),
    clock: new SystemClock(),
    logger: silentLogger,
    ...changes,
  };
}

test('a fetch ends as one complete tree, verified by running it, with nothing left beside it', async () => {
  await using folder = await temporaryFolder();
  await installFakes(folder.path);
  const phases: FetchProgress['phase'][] = [];

  const found = await fetchMySql(
    optionsIn(folder.path, { onProgress: ({ phase }) => phases.push(phase) }),
  );

  const place = join(folder.path, 'cache/mysql/ubuntu-amd64-9.9.1');
  expect(found).toMatchObject({ origin: 'fetched', version: '9.9.1' });
  expect(found.mysqldCommand.at(-1)).toBe(join(place, 'usr/sbin/mysqld'));
  expect(await readdir(join(folder.path, 'cache/mysql'))).toEqual(['ubuntu-amd64-9.9.1']);
  expect(JSON.parse(await readFile(join(place, 'binraft-tree.json'), 'utf8'))).toEqual({
    version: '9.9.1',
    architecture: 'amd64',
    packages: ['SHA256:aa a_1_amd64.deb'],
  });
  expect([...new Set(phases)]).toEqual(['index', 'download', 'unpack', 'verify']);
});

test('the package whose name carries its version is found where there is no other', async () => {
  await using folder = await temporaryFolder();
  const calls = await installFakes(folder.path, { serverPackage: 'mysql-server-core-8.0' });

  await fetchMySql(optionsIn(folder.path));

  const downloads = (await readFile(calls, 'utf8')).split('\n').filter((line) => /only/.test(line));
  expect(downloads).toEqual([
    'install --download-only -y -q mysql-server-core-8.0 mysql-client-core-8.0',
  ]);
});

test('two that fetch at once share one download', async () => {
  await using folder = await temporaryFolder();
  const calls = await installFakes(folder.path, { update: 'sleep 0.3' });

  const [left, right] = await Promise.all([
    fetchMySql(optionsIn(folder.path)),
    fetchMySql(optionsIn(folder.path)),
  ]);

  expect(left).toEqual(right);
  expect((await readFile(calls, 'utf8')).match(/--download-only/g)).toHaveLength(1);
});

test.each([
  ['the index cannot be had', { update: 'echo "E: no route to host" >&2; exit 100' }, /no route/],
  ['the source has no MySQL', { serverPackage: 'other' }, /Unable to locate/],
  ['what it has is too old', { version: '8.0.20' }, /8\.0\.26 or newer/],
  ['what it has is MariaDB', { version: '10.6.1-MariaDB' }, /MariaDB/],
] as const)('a fetch fails, and leaves nothing, when %s', async (_when, apt, message) => {
  await using folder = await temporaryFolder();
  await installFakes(folder.path, apt);

  await expect(fetchMySql(optionsIn(folder.path))).rejects.toMatchObject({
    code: 'MYSQL_FETCH_FAILED',
    message: expect.stringMatching(message),
  });
  expect(await readdir(join(folder.path, 'cache/mysql'))).toEqual([]);
});

test('a fetch that is aborted leaves nothing', async () => {
  await using folder = await temporaryFolder();
  await installFakes(folder.path, { update: 'sleep 30' });
  const abort = new AbortController();
  const options = optionsIn(folder.path, {
    signal: abort.signal,
    onProgress: () => abort.abort(),
  });

  await expect(fetchMySql(options)).rejects.toThrow();
  expect(await readdir(join(folder.path, 'cache/mysql'))).toEqual([]);
});

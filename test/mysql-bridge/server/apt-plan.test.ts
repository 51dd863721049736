import { expect, test } from 'vitest';
import {
  aptConfiguration,
  debianSource,
  mirrorsOf,
  networkSettings,
  parsePlan,
} from '../../../mysql-bridge/server/apt-plan.ts';

test('of the machine’s apt settings only those about the network are taken', () => {
  const dump = [
    'Acquire "";',
    'Acquire::http "";',
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::https::Verify-Peer "true";',
    'Acquire::AllowInsecureRepositories "0";',
    'Acquire::IndexTargets::deb::DEP-11::MetaKey "dep11";',
    'Acquire::Languages:: "de";',
    'APT::Update::Post-Invoke:: "rm -rf /";',
    'Acquire::broken "unfinished',
  ].join('\n');

  expect(networkSettings(dump)).toEqual([
    'Acquire::http "";',
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::https::Verify-Peer "true";',
    'Acquire::AllowInsecureRepositories "0";',
  ]);
});

test('the private apt shares no state with the machine’s and never waives a signature', () => {
  const text = aptConfiguration({
    work: '/cache/work',
    architecture: 'amd64',
    sourcesPath: '/cache/work/sources.list',
    acquireLines: ['Acquire::http::Proxy "http://proxy.example:3128";'],
  });

  expect(text).toContain('Dir::State "/cache/work/apt-state";');
  expect(text).toContain('Dir::State::status "/cache/work/apt-state/status";');
  expect(text).toContain('Dir::Cache "/cache/work/apt-cache";');
  expect(text).toContain('Dir::Etc::parts "/dev/null";');
  expect(text).toContain('Dir::Etc::sourceparts "/dev/null";');
  expect(text).toContain('Acquire::http::Proxy "http://proxy.example:3128";');
  expect(text).not.toMatch(/insecure|unauthenticated|trusted/i);
});

test('without a source list of its own it keeps the machine’s sources', () => {
  const text = aptConfiguration({
    work: '/cache/work',
    architecture: 'amd64',
    sourcesPath: null,
    acquireLines: [],
  });

  expect(text).not.toContain('sourcelist');
  expect(text).not.toContain('sourceparts');
});

test('the Debian source is bound to the archive keyring', () => {
  const source = debianSource({ mirror: 'http://deb.debian.org/debian', keyring: '/k.gpg' });

  expect(source).toBe('deb [signed-by=/k.gpg] http://deb.debian.org/debian sid main\n');
});

test('mirrors are the machine’s own hosts of its own release, but no snapshots and no media', () => {
  const targets = [
    'http://mirror.example/debian/ bookworm',
    'http://mirror.example/debian/ bookworm',
    'http://mirror.example/debian/ bookworm-updates',
    'http://security.example/debian-security/ bookworm-security',
    'https://deb.nodesource.com/node_20.x/ nodistro',
    'http://snapshot.debian.org/archive/debian/20250520T000000Z/ bookworm',
    'cdrom://[Debian 12]/ bookworm',
    '',
  ].join('\n');

  expect(mirrorsOf(targets, 'bookworm')).toEqual(['http://mirror.example/debian/']);
});

test('a plan lists each package with its size and digest', () => {
  const output = [
    "'http://deb.debian.org/debian/pool/main/m/mysql/mysql-server-core_9.7.4-2_amd64.deb' mysql-server-core_9.7.4-2_amd64.deb 21503456 SHA256:ab12",
    "'http://deb.debian.org/debian/pool/main/g/glibc/libc6_2.43-7_amd64.deb' libc6_2.43-7_amd64.deb 3001000 ",
    'W: a warning',
  ].join('\n');

  expect(parsePlan(output)).toEqual([
    { fileName: 'mysql-server-core_9.7.4-2_amd64.deb', bytes: 21503456, digest: 'SHA256:ab12' },
    { fileName: 'libc6_2.43-7_amd64.deb', bytes: 3001000, digest: '' },
  ]);
  expect(parsePlan('E: Unable to locate package')).toEqual([]);
});

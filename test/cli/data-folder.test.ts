import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { claimDataFolder, writePrivateFile } from '../../cli/data-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const identity = { formatVersion: 1, clusterId: '12345678', node: 'n1' } as const;
const isRoot = process.getuid?.() === 0;

test('a folder is claimed once and found again, with nothing left in it but its identity', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'deep', 'data');
  claimDataFolder(path, identity);
  claimDataFolder(path, identity);
  expect(readdirSync(path)).toEqual(['node.json']);
  expect(JSON.parse(readFileSync(join(path, 'node.json'), 'utf8'))).toEqual(identity);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test.each([
  ['another node', { node: 'n2' }, 'belongs to node n2'],
  ['another cluster', { clusterId: '87654321' }, 'of cluster 87654321'],
  ['another format', { formatVersion: 2 }, 'has format 2, this version reads 1'],
])('a folder of %s is refused and left as it is', (_what, change, words) => {
  using folder = temporaryFolder();
  const text = JSON.stringify({ ...identity, ...change });
  writeFileSync(join(folder.path, 'node.json'), text);
  expect(() => claimDataFolder(folder.path, identity)).toThrow(
    expect.objectContaining({ code: 'DATA_FOREIGN', message: expect.stringContaining(words) }),
  );
  expect(readdirSync(folder.path)).toEqual(['node.json']);
  expect(readFileSync(join(folder.path, 'node.json'), 'utf8')).toBe(text);
});

test.each([['not JSON'], ['null'], ['{}'], ['[]'], ['']])(
  'an identity that reads %j is refused, not overwritten',
  (text) => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'node.json'), text);
    expect(() => claimDataFolder(folder.path, identity)).toThrow(
      expect.objectContaining({ code: 'DATA_FOREIGN' }),
    );
    expect(readFileSync(join(folder.path, 'node.json'), 'utf8')).toBe(text);
  },
);

test('a folder whose place is taken by a file cannot be written', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'file');
  writeFileSync(path, '');
  for (const place of [path, join(path, 'below')]) {
    expect(() => claimDataFolder(place, identity)).toThrow(
      expect.objectContaining({ code: 'DATA_NOT_WRITABLE' }),
    );
  }
});

// Root may write everywhere.
test.skipIf(isRoot)('a folder without write access is refused', () => {
  using folder = temporaryFolder();
  chmodSync(folder.path, 0o500);
  expect(() => claimDataFolder(folder.path, identity)).toThrow(
    expect.objectContaining({ code: 'DATA_NOT_WRITABLE' }),
  );
  chmodSync(folder.path, 0o700);
});

test('a private file is readable by its owner alone, and replaced as a whole', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'secret');
  writeFileSync(path, 'an older and much longer one', { mode: 0o644 });
  writePrivateFile(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder.path)).toEqual(['secret']);
});

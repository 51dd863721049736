import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compareVersions,
  formatVersion,
  isAtLeast,
  parseServerProduct,
  parseVersion,
} from '../../../mysql-bridge/server/mysql-version.ts';

test.each([
  ['/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))', '9.7.4'],
  ['mysqld  Ver 8.0.39-0ubuntu0.24.04.2 for Linux on x86_64 ((Ubuntu))', '8.0.39'],
  [
    'mysqld  Ver 8.0.36-28 for Linux on x86_64 (Percona Server (GPL), Release 28, Revision 47601f19)',
    '8.0.36',
  ],
  [
    '[Warning] something first\n/opt/mysql/bin/mysqld  Ver 8.4.3 for macos14 on arm64 (Homebrew)',
    '8.4.3',
  ],
])('MySQL and Percona Server are MySQL: %s', (output, version) => {
  const product = parseServerProduct(output);

  expect(product.kind).toBe('mysql');
  expect(product.kind === 'mysql' && formatVersion(product.version)).toBe(version);
});

test('MariaDB is recognised by its name, whatever program it is called by', () => {
  const output = 'mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)';

  expect(parseServerProduct(output)).toEqual({
    kind: 'mariadb',
    version: { major: 10, minor: 11, patch: 6 },
  });
});

test.each(['', 'command not found', 'Ver', 'mysqld Ver nine', '\u0000\u0001', '9.7.4'])(
  'an answer without a version is no product: %j',
  (output) => {
    expect(parseServerProduct(output).kind).toBe('unknown');
  },
);

test('what a program answers is never shown at full length', () => {
  const product = parseServerProduct('x'.repeat(100_000));

  expect(product.kind === 'unknown' && product.text.length).toBe(200);
});

test('versions compare by number, not by text', () => {
  const part = fc.integer({ min: 0, max: 999 });
  const version = fc.record({ major: part, minor: part, patch: part });
  fc.assert(
    fc.property(version, version, (left, right) => {
      const weight = ({ major, minor, patch }: typeof left): number =>
        major * 1_000_000 + minor * 1_000 + patch;
      expect(Math.sign(compareVersions(left, right))).toBe(Math.sign(weight(left) - weight(right)));
      expect(isAtLeast(left, formatVersion(right))).toBe(weight(left) >= weight(right));
      expect(parseVersion(formatVersion(left))).toEqual(left);
    }),
  );
});

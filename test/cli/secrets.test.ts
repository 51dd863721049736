import { expect, test } from 'vitest';
import { derivePassword, deriveServerId, deriveUuid } from '../../cli/secrets.ts';

// These values are on disks: accounts of running clusters have such passwords, replicas know such ids. They may never change.

test('passwords derived from a secret stay what they were', () => {
  expect(derivePassword('secret', 'mysqld')).toBe('-xJCyEjtmV0CeCpRNFnYjwxjlUR-vehq');
  expect(derivePassword('secret', 'replica')).toBe('p5YV5ScXfWsAmTOmLl9CR-zIkJb2IKHN');
});

test('a derived password is 32 characters that need no quoting, and another one for another purpose', () => {
  expect(derivePassword('secret', 'mysqld')).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect(derivePassword('secret', 'a')).not.toBe(derivePassword('secret', 'b'));
  expect(derivePassword('other', 'a')).not.toBe(derivePassword('secret', 'a'));
});

test('server ids stay what they were, and are valid', () => {
  expect(deriveServerId('12345678', 'n1')).toBe(1_929_005_389);
  const ids = Array.from({ length: 1000 }, (_, index) => deriveServerId('12345678', `n${index}`));
  expect(Math.min(...ids)).toBeGreaterThan(0);
  expect(Math.max(...ids)).toBeLessThan(2 ** 32);
});

test('uuids stay what they were, and are of version 4', () => {
  expect(deriveUuid('12345678', 'source')).toBe('d0826de5-b716-44be-8cac-91c9a255c6f6');
  expect(deriveUuid('12345678', 'n1 dump')).toMatch(
    /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/,
  );
});

import { expect, test } from 'vitest';
import { identityIn, isAlive, ownIdentity } from './site/run-identity.ts';

test('whatever a run makes is named so that its process can be found again', () => {
  const own = ownIdentity();

  expect(identityIn(`${own.name}-n1`)).toEqual(own);
  expect(isAlive(own)).toBe(true);
});

test('a process that has the number of an earlier run is not that run', () => {
  const own = ownIdentity();

  expect(isAlive({ ...own, startedAt: '1' })).toBe(false);
});

test('what others have made is nobody’s', () => {
  for (const name of ['', 'tmpfs', 'binraft', 'binraft-n1', 'binraft-12-x', 'other-binraft-1-2']) {
    expect(identityIn(name)).toBeNull();
  }
});

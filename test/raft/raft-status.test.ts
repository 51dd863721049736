import { expect, test } from 'vitest';
import { nodeId } from '../../raft/core/types.ts';
import { isSameStatus, isStatusOf, raftStatusOf } from '../../raft/raft-status.ts';
import { followerStatus } from './shell-fakes.ts';

// A field that is forgotten in a comparison would be shown as it was until another one changes.

const connected = new Set([nodeId('b')]);
const shown = raftStatusOf(followerStatus, connected);

/** A name is for life; peers have their own test. */
const fields = Object.keys(shown).filter((field) => field !== 'id' && field !== 'peers');

test.each(fields)('a change of %s is noticed', (field) => {
  const changed = { ...followerStatus, [field]: Symbol('another value') };

  expect(isStatusOf(shown, followerStatus, connected)).toBe(true);
  expect(isStatusOf(shown, changed, connected)).toBe(false);
  // With the index of the membership comes a new membership, and that is compared.
  if (field === 'membershipIndex') return;
  expect(isSameStatus(shown, raftStatusOf(changed, connected))).toBe(false);
});

test.each(Object.keys(shown.peers[0] ?? {}))('a change of %s of a peer is noticed', (field) => {
  const peers = shown.peers.map((peer) => ({ ...peer, [field]: Symbol('another value') }));

  expect(isStatusOf({ ...shown, peers }, followerStatus, connected)).toBe(false);
  expect(isSameStatus(shown, { ...shown, peers })).toBe(false);
});

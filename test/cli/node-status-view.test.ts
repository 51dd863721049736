import { expect, test } from 'vitest';
import { healthOf } from '../../cli/node-status-view.ts';
import type { RoleState } from '../../mysql-bridge/role/role-types.ts';
import { nodeId } from '../../raft/core/types.ts';

const following = { leaderId: nodeId('n1'), isRemoved: false };
const alone = { leaderId: null, isRemoved: false };
const removed = { leaderId: null, isRemoved: true };
const replica: RoleState = { kind: 'replica' };
const undecided: RoleState = { kind: 'undecided' };

test('a replica is well while it has a leader and nothing is wrong', () => {
  expect(healthOf({ state: replica }, [], following)).toBe('ok');
  expect(healthOf({ state: replica }, [], alone)).toBe('degraded');
  expect(healthOf({ state: replica }, ['its disk is full'], following)).toBe('degraded');
});

test('a server that waits for the log to decide is starting, and down where nobody will tell its node', () => {
  expect(healthOf({ state: undecided }, [], alone)).toBe('starting');
  expect(healthOf({ state: undecided }, ['removed'], removed)).toBe('down');
  expect(healthOf({ state: replica }, ['removed'], removed)).toBe('degraded');
});

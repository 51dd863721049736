import { expect, test } from 'vitest';
import { stageText } from '../../cli/stage-text.ts';
import type { RoleState } from '../../mysql-bridge/role/role-types.ts';

const term = 1;
const waiting: readonly RoleState[] = [
  { kind: 'undecided' },
  { kind: 'cutting' },
  { kind: 'starting' },
  { kind: 'joining' },
  { kind: 'catching-up', term },
  { kind: 'taking-over', term },
  { kind: 'backing-off', ticksLeft: 5 },
  { kind: 'condemning' },
  { kind: 'rebuilding' },
  { kind: 'quarantined' },
];
const settled: readonly RoleState[] = [
  { kind: 'replica' },
  { kind: 'primary', term },
  { kind: 'quiescing', term },
  { kind: 'handing-over', term },
  { kind: 'resuming', term },
  { kind: 'fencing' },
];

test.each(waiting)('somebody who waits is told what $kind means', (state) => {
  expect(stageText(state)).toMatch(/^[a-z]/);
});

test.each(settled)('nobody waits for $kind', (state) => {
  expect(stageText(state)).toBeNull();
});

import { expect, test } from 'vitest';
import { membershipOf, recordingJudge } from './judging.ts';
import { Ledger } from './ledger.ts';
import { MemberChanges } from './member-changes.ts';
import type { RaftView } from './raft-checker.ts';

/** What breaks when a node takes a step while it takes itself for removed, or does not. */
function rulesBrokenBy(id: string, isRemoved: boolean): readonly string[] {
  const { judge, broken } = recordingJudge();
  const ledger = new Ledger(judge, () => undefined);
  const checker = new MemberChanges(judge, ledger, membershipOf('n1', 'n2', 'n3'));
  const status = { isRemoved, membershipIndex: 0, role: 'follower' };
  checker.stepped({ id, status } as unknown as RaftView, { kind: 'tick' }, []);
  return broken;
}

test('who takes itself for removed although the newest committed configuration names it breaks I11', () => {
  expect(rulesBrokenBy('n2', true)).toEqual(['I11']);
});

test('who is named by none may take itself for removed, and a member for a member', () => {
  expect(rulesBrokenBy('n4', true)).toEqual([]);
  expect(rulesBrokenBy('n2', false)).toEqual([]);
});

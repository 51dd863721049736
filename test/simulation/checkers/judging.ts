import { type Membership, voterMember } from '../../../raft/core/membership.ts';
import { nodeId } from '../../../raft/core/types.ts';
import type { Judge } from './raft-checker.ts';

// For the tests of checkers.

/** Keeps the rules that were found broken. */
export function recordingJudge(): { readonly judge: Judge; readonly broken: readonly string[] } {
  const broken: string[] = [];
  const check = (claim: boolean, rule: string): void => {
    if (!claim) broken.push(rule);
  };
  return { judge: { nowUs: 0, check }, broken };
}

export function membershipOf(...ids: readonly string[]): Membership {
  return { incoming: ids.map((id) => voterMember(nodeId(id))), outgoing: [] };
}

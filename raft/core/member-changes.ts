import type { Member } from './membership.ts';
import type { NodeId } from './types.ts';

/** One difference between a configuration and the next. */
export type MemberChange =
  | { readonly kind: 'add'; readonly member: Member }
  /** Another kind, address or promotion of a member. */
  | { readonly kind: 'update'; readonly member: Member }
  | { readonly kind: 'remove'; readonly id: NodeId };

export type ChangedMembers =
  | { readonly kind: 'members'; readonly members: readonly Member[] }
  | {
      readonly kind: 'refused';
      readonly reason: 'unknown-member' | 'already-member' | 'nothing-changes';
      readonly detail: string;
    };

/** The configuration that differs from `before` by all of these, made in their order; or the first that cannot be made. */
export function applyChanges(
  before: readonly Member[],
  changes: readonly MemberChange[],
): ChangedMembers {
  let members = before;
  for (const change of changes) {
    const id = change.kind === 'remove' ? change.id : change.member.id;
    const isMember = members.some((member) => member.id === id);
    if (change.kind === 'add') {
      if (isMember) return refused('already-member', `${id} is a member already`);
      members = [...members, change.member];
      continue;
    }
    if (!isMember) return refused('unknown-member', `${id} is no member`);
    members =
      change.kind === 'remove'
        ? members.filter((member) => member.id !== id)
        : members.map((member) => (member.id === id ? change.member : member));
  }
  if (isSame(before, members)) return refused('nothing-changes', 'the configuration is so already');
  return { kind: 'members', members };
}

function refused(
  reason: Extract<ChangedMembers, { kind: 'refused' }>['reason'],
  detail: string,
): ChangedMembers {
  return { kind: 'refused', reason, detail };
}

function isSame(left: readonly Member[], right: readonly Member[]): boolean {
  return (
    left.length === right.length &&
    left.every((member) => right.some((other) => isSameMember(member, other)))
  );
}

function isSameMember(left: Member, right: Member): boolean {
  return (
    left.id === right.id &&
    left.kind === right.kind &&
    left.promotion === right.promotion &&
    left.address?.host === right.address?.host &&
    left.address?.port === right.address?.port
  );
}

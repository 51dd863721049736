import type { MemberReport, MemberRequest } from '../admin/member-change.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import { nodeId } from '../raft/core/types.ts';
import type { MemberChange, Raft } from '../raft/index.ts';
import type { MemberConfig } from './config-schema.ts';

/** Nothing says whether it came about. */
const unsettledCodes: readonly (string | undefined)[] = [
  'RAFT_MEMBERSHIP_UNSETTLED',
  'RAFT_SHUTTING_DOWN',
];

/**
 * Has the leader change the members, and says how that ended. Never rejects. A node that comes back is a learner until it is caught up;
 * what it held before is a part of the log, or is overwritten as any other old tail.
 */
export async function changeMembers(
  raft: Pick<Raft, 'changeMembership'>,
  settings: readonly MemberConfig[],
  request: MemberRequest,
): Promise<MemberReport> {
  try {
    const index = await raft.changeMembership([changeOf(settings, request)]);
    return { outcome: 'changed', reason: `committed at index ${index}` };
  } catch (thrown) {
    const isUnsettled = unsettledCodes.includes(codeOf(thrown));
    return { outcome: isUnsettled ? 'unknown' : 'refused', reason: messageOf(thrown) };
  }
}

function changeOf(settings: readonly MemberConfig[], { kind, node }: MemberRequest): MemberChange {
  const id = nodeId(node);
  if (kind === 'remove') return { kind, id };
  const place = settings.find((member) => member.id === node);
  const address = place === undefined ? null : { host: place.host, port: place.raftPort };
  return { kind, member: { id, kind: 'learner', address, promotion: 'voter' } };
}

import { bridgeMutations } from './catalogue/bridge.ts';
import { proxyMutations } from './catalogue/proxy.ts';
import { raftMembershipMutations } from './catalogue/raft-membership.ts';
import { raftReadMutations } from './catalogue/raft-reads.ts';
import { raftReplicationMutations } from './catalogue/raft-replication.ts';
import { raftVoteMutations } from './catalogue/raft-votes.ts';
import type { Mutation } from './mutation.ts';

/** All of them; those of the quick scenario first. */
export const mutations: readonly Mutation[] = [
  ...raftVoteMutations,
  ...raftReplicationMutations,
  ...raftReadMutations,
  ...raftMembershipMutations,
  ...bridgeMutations,
  ...proxyMutations,
];

export function mutationOf(id: string): Mutation {
  const found = mutations.find((mutation) => mutation.id === id);
  if (found === undefined) throw new RangeError(`no mutation is called ${JSON.stringify(id)}`);
  return found;
}

import type { Mutation } from '../mutation.ts';

const ownTermCommitted = {
  file: 'raft/core/read-index.ts',
  find: '  return state.log.commitIndex >= leader.noOpIndex;',
  replace: '  return state.log.commitIndex >= 0 && leader.noOpIndex > 0;',
} as const;

/** Whoever is new gets a snapshot. */
const snapshotsForNewcomers = {
  knobs: { snapshotEvery: 10, keptEntries: 0 },
  faults: {
    kinds: ['member-add', 'member-replace', 'crash', 'partition-isolate'],
    everyMs: 1500,
  },
} as const;

/** Members and snapshots: HAZARDS R4, R5, R15, I11, H27. */
export const raftMembershipMutations: readonly Mutation[] = [
  {
    id: 'change-before-own-commit',
    rule: 'R4',
    breaks: 'A leader changes the members before an entry of its own term is committed.',
    edits: [ownTermCommitted],
    scenario: 'raft',
  },
  {
    id: 'second-change-before-the-first',
    rule: 'R5',
    breaks: 'A change of members begins while the one before is not committed.',
    edits: [
      {
        file: 'raft/core/membership-change.ts',
        find: 'return isJoint(membership) || index > state.log.commitIndex;',
        replace: 'return isJoint(membership) && index < 0;',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'joint-left-before-its-commit',
    rule: 'I11',
    breaks: 'The new members decide alone before the joint configuration is committed.',
    edits: [
      {
        file: 'raft/core/membership-change.ts',
        find: 'if (!isOwnTermCommitted(state, leader) || index > state.log.commitIndex) return;',
        replace: 'if (!isOwnTermCommitted(state, leader) || index < 0) return;',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'joint-decided-by-the-new',
    rule: 'I11',
    breaks: 'In a joint configuration the new members decide alone.',
    edits: [
      {
        file: 'raft/core/quorum.ts',
        find: '  if (sets.outgoing.length === 0) return incoming;\n',
        replace: '  if (sets.outgoing.length >= 0) return incoming;\n',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 5,
      faults: {
        kinds: [
          'member-shrink',
          'member-swap',
          'member-add',
          'partition-halves',
          'partition-isolate',
          'crash-leader',
        ],
        everyMs: 1200,
      },
    },
  },
  {
    id: 'no-joint-configuration',
    rule: 'I11',
    breaks: 'The new members take over from the old in one step.',
    edits: [
      {
        file: 'raft/core/membership-change.ts',
        find: 'const outgoing = haveSameVoters(before, incoming) ? [] : before;',
        replace: 'const outgoing: readonly Member[] = [];',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'learner-counted',
    rule: 'I11',
    breaks: 'Learners vote and are counted.',
    edits: [
      {
        file: 'raft/core/membership.ts',
        find: "return member.kind !== 'learner';",
        replace: 'return member.id.length > 0;',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'removed-leader-counts-itself',
    rule: 'R15',
    breaks: 'A leader that removes itself counts its own log for the configuration without it.',
    edits: [
      {
        file: 'raft/core/receive-append-response.ts',
        find: '    quorumReached(state.voters, (voter) =>',
        replace:
          '    quorumReached({ incoming: [...new Set([...state.voters.incoming, self])], outgoing: state.voters.outgoing }, (voter) =>',
      },
    ],
    scenario: 'raft',
    emphasis: {
      faults: {
        kinds: [
          'member-remove',
          'member-shrink',
          'member-swap',
          'member-add',
          'crash-leader',
          'partition-isolate',
        ],
        everyMs: 1500,
      },
    },
  },
  {
    id: 'snapshot-without-members',
    rule: 'I11',
    breaks: 'A snapshot does not say who the members are.',
    edits: [
      {
        file: 'raft/core/compaction.ts',
        find: 'return { last, membership: membership.index === 0 ? null : membership };',
        replace: 'return { last, membership: null };',
      },
    ],
    scenario: 'raft',
    emphasis: snapshotsForNewcomers,
  },
  {
    id: 'snapshot-beside-another-log',
    rule: 'I3',
    breaks: 'A log that holds another entry where a snapshot ends is kept.',
    edits: [
      {
        file: 'raft/core/receive-snapshot.ts',
        find: 'return last.index <= state.log.commitIndex || state.log.holds(last);',
        replace: 'return last.index <= state.log.commitIndex || last.index <= state.log.lastIndex;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: { snapshotEvery: 8, keptEntries: 0, clients: 4, thinkMs: 20 },
      faults: { kinds: ['partition-isolate', 'partition-halves', 'crash-leader'], everyMs: 1000 },
    },
  },
  {
    id: 'log-dropped-before-the-snapshot-is-there',
    rule: 'G3',
    breaks: 'A follower drops its log for a snapshot that it has yet to fetch.',
    edits: [
      {
        file: 'raft/core/receive-snapshot.ts',
        find: "  state.emit({ kind: 'fetch-snapshot', from, meta });\n}",
        replace:
          "  state.emit({ kind: 'fetch-snapshot', from, meta });\n  receiveSnapshotInstalled(state, meta);\n}",
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'compaction-past-the-applied',
    rule: 'G3',
    breaks: 'Entries are dropped that are committed and not applied here.',
    edits: [
      {
        file: 'raft/core/compaction.ts',
        find: 'const settled = state.isStateless ? log.commitIndex : log.appliedIndex;',
        replace: 'const settled = log.commitIndex;',
      },
      {
        file: 'raft/core/compaction.ts',
        find: 'const index = Math.min(upTo, settled, writes.persistedIndex);',
        replace: 'const index = Math.min(upTo + 20, settled, writes.persistedIndex);',
      },
    ],
    scenario: 'raft',
    emphasis: { knobs: { snapshotEvery: 20, applyMsMax: 50, flushEvery: 30 } },
  },
  {
    id: 'removal-told-before-its-commit',
    rule: 'I11',
    breaks: 'Members are told that they were removed by a configuration that may still be undone.',
    edits: [
      {
        file: 'raft/core/removal.ts',
        find: 'const isSettled = index > 0 && !isJoint(membership) && index <= state.log.commitIndex;',
        replace: 'const isSettled = index > 0 && (isJoint(membership) || index >= 0);',
      },
      {
        file: 'raft/core/removal.ts',
        find: 'const isOut = memberOf(membership, from) === null;',
        replace: 'const isOut = memberOf({ ...membership, outgoing: [] }, from) === null;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      faults: {
        kinds: [
          'member-remove',
          'member-shrink',
          'member-replace',
          'member-add',
          'partition-isolate',
          'partition-deaf',
          'crash-leader',
        ],
        everyMs: 1200,
      },
    },
  },
  {
    id: 'learner-taken-for-stateless',
    rule: 'G3, G6',
    breaks:
      'A learner drops its log for what a snapshot is of, without the state in it, and becomes a voter.',
    edits: [
      {
        file: 'raft/core/receive-snapshot.ts',
        find: 'if (state.isStateless) {',
        replace: "if (state.isStateless || state.memberKind !== 'voter') {",
      },
    ],
    scenario: 'raft',
    emphasis: snapshotsForNewcomers,
  },
  {
    id: 'witness-drops-what-it-alone-holds',
    rule: 'G3',
    breaks:
      'A witness drops entries that it and one voter committed, before another database has them.',
    edits: [
      {
        file: 'raft/core/compaction-policy.ts',
        find: '(least, other) => Math.min(least, other.durablyAppliedIndex ?? 0),',
        replace:
          '(least, other) => facts.durablyAppliedIndex === null ? least : Math.min(least, other.durablyAppliedIndex ?? 0),',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 3,
      knobs: { hasWitness: 1, snapshotEvery: 10, keptEntries: 0, hasAbsentees: 1 },
      faults: { kinds: ['partition-isolate', 'partition-deaf', 'crash', 'pause'], everyMs: 2000 },
    },
  },
  {
    id: 'witness-leads-on',
    rule: 'C10',
    breaks: 'A witness leads like any voter, and has no server to promote.',
    edits: [
      {
        file: 'raft/core/state.ts',
        find: "return kind === 'witness' || (kind === 'voter' && this.config.isStateless === true);",
        replace: 'return kind === null;',
      },
      {
        file: 'raft/core/hand-on.ts',
        find: "return kind !== 'voter' && !isJoint(membership)",
        replace: 'return kind === undefined && !isJoint(membership)',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      nodeCount: 3,
      knobs: { hasWitness: 1 },
      faults: { kinds: ['crash-both', 'isolate'], everyMs: 6000 },
    },
  },
];

import type { Mutation } from '../mutation.ts';

/** Reads and leases: HAZARDS R8, R9. */
export const raftReadMutations: readonly Mutation[] = [
  {
    id: 'read-before-own-commit',
    rule: 'R8',
    breaks: 'A new leader answers reads before an entry of its own term is committed.',
    edits: [
      {
        file: 'raft/core/read-index.ts',
        find: 'return isOwnTermCommitted(state, leader) && !state.isWitness ? leader.noOpIndex : null;',
        replace: 'return leader.noOpIndex > 0 && !state.isWitness ? leader.noOpIndex : null;',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'read-without-quorum',
    rule: 'R8, C8',
    breaks: 'A leader answers reads without asking a quorum whether it still leads.',
    edits: [
      {
        file: 'raft/core/read-index.ts',
        find: 'of leader.reads.confirm(round)) {',
        replace: 'of leader.reads.confirm(Math.max(round, leader.reads.opened))) {',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: {
        isLeaseOn: 0,
        clients: 8,
        thinkMs: 10,
        writePermille: 20,
        lossPermille: 0,
        slowPermille: 0,
        diskSlowPermille: 0,
      },
      faults: { kinds: ['partition-isolate', 'pause-leader'], everyMs: 2500 },
    },
  },
  {
    id: 'read-joins-a-round-under-way',
    rule: 'R8, C8',
    breaks: 'A read is answered by a quorum round that began before it came.',
    edits: [
      {
        file: 'raft/node.ts',
        find: 'if (isRead(input)) this.#reads.seal(input.readId);',
        replace: 'if (isRead(input)) void this.#reads;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: {
        isLeaseOn: 0,
        clients: 8,
        thinkMs: 10,
        writePermille: 300,
        slowPermille: 100,
        slowUsMax: 300_000,
      },
    },
  },
  {
    id: 'round-of-an-earlier-term-echoed',
    rule: 'C8, I12',
    breaks: 'A follower echoes to a new leader a round number of the one before.',
    edits: [
      {
        file: 'raft/core/state.ts',
        find: '      this.seenReadRound = 0;',
        replace: '      this.seenReadRound += 0;',
      },
      {
        file: 'raft/core/receive-append-response.ts',
        find: 'if (message.readRound > leader.reads.opened) return false;',
        replace: 'if (message.readRound < 0) return false;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: { isLeaseOn: 0, clients: 8, thinkMs: 10, writePermille: 50 },
      faults: { kinds: ['partition-isolate', 'pause-leader', 'transfer'], everyMs: 1500 },
    },
  },
  {
    id: 'follower-read-of-its-own-commit',
    rule: 'C8',
    breaks: 'The leader answers the read of a follower without a round.',
    edits: [
      {
        file: 'raft/core/follower-reads.ts',
        find: 'if (isAsked && leader.reads.add(read)) openRoundForWaiting(state, leader);',
        replace: 'if (isAsked) answer(state, read, state.log.commitIndex);',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'lease-too-long',
    rule: 'R9',
    breaks: 'A lease lasts longer than the voters keep their silence.',
    edits: [
      {
        file: 'raft/lease.ts',
        find: 'return ticks * options.tickMs * (1 - options.driftBound);',
        replace: 'return 3 * ticks * options.tickMs;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: {
        isLeaseOn: 1,
        clients: 8,
        thinkMs: 10,
        writePermille: 20,
        clockSkewPermille: 0,
        lossPermille: 0,
        slowPermille: 0,
        diskSlowPermille: 0,
      },
      faults: { kinds: ['partition-isolate', 'partition-deaf', 'partition-halves'], everyMs: 2500 },
    },
  },
  {
    id: 'lease-without-restart-wait',
    rule: 'R9',
    breaks:
      'A node that was restarted votes at once, though it may have promised a leader its silence.',
    edits: [
      {
        file: 'raft/core/state.ts',
        find: '  leaderSilenceTicks = 0;',
        replace: '  leaderSilenceTicks = 1000;',
      },
      {
        file: 'raft/core/state.ts',
        find: 'if (this.isOnlyVoter) this.electionElapsedTicks = this.electionTimeoutTicks;',
        replace: 'this.electionElapsedTicks = this.electionTimeoutTicks;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 3,
      knobs: {
        isLeaseOn: 1,
        clients: 8,
        thinkMs: 10,
        writePermille: 5,
        clockSkewPermille: 0,
        hasWitness: 0,
        lossPermille: 0,
        slowPermille: 0,
        diskSlowPermille: 0,
      },
      faults: { kinds: ['forgetful-voters'], everyMs: 4500 },
    },
  },
  {
    id: 'lease-after-timeout-now',
    rule: 'R9',
    breaks: 'A leader keeps its lease after it told another to campaign without waiting.',
    edits: [
      {
        file: 'raft/core/status.ts',
        find: 'isLeaseSafe: leader !== null && !leader.hasOfferedLeadership,',
        replace: 'isLeaseSafe: leader !== null,',
      },
      {
        file: 'raft/node.ts',
        find: 'return leaderReadyIndex !== null && !isTransferring && isLeaseSafe ? this.#lease.untilMs : 0;',
        replace:
          'return leaderReadyIndex !== null && (isLeaseSafe || !isTransferring) ? this.#lease.untilMs : 0;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: {
        isLeaseOn: 1,
        lossPermille: 0,
        diskSlowPermille: 0,
        clients: 4,
        thinkMs: 20,
        slowPermille: 100,
        slowUsMax: 300_000,
      },
      faults: { kinds: ['transfer', 'partition-deaf'], everyMs: 700 },
    },
  },
  {
    id: 'transfer-lifts-every-lease',
    rule: 'R9',
    breaks: 'Every candidate claims to be one that the leader asked to campaign.',
    edits: [
      {
        file: 'raft/core/election.ts',
        find: 'last, isTransfer: role.isTransfer };',
        replace: 'last, isTransfer: true };',
      },
      {
        file: 'raft/core/receive-vote.ts',
        find: '  if (!isOver && state.mayALeaderBeAlive) return;\n',
        replace: '',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 3,
      knobs: {
        isLeaseOn: 1,
        clients: 8,
        thinkMs: 10,
        writePermille: 20,
        clockSkewPermille: 0,
        lossPermille: 0,
        diskSlowPermille: 0,
      },
      faults: {
        kinds: ['partition-one-way', 'partition-bridge', 'partition-isolate'],
        everyMs: 800,
      },
    },
  },
  {
    id: 'late-timeout-now-heeded',
    rule: 'R9, I12',
    breaks:
      'A node campaigns at the word of a leader of an earlier term, and lifts the lease of the present one.',
    edits: [
      {
        file: 'raft/core/election.ts',
        find: '  if (message.term < state.term) return;\n  if (message.term > state.term) becomeFollower(state, { term: message.term, leaderId: null });\n  const isFromAnother',
        replace:
          '  if (message.term > state.term) becomeFollower(state, { term: message.term, leaderId: null });\n  const isFromAnother',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: {
        isLeaseOn: 1,
        lossPermille: 0,
        diskSlowPermille: 0,
        clients: 8,
        thinkMs: 10,
        writePermille: 100,
        duplicatePermille: 500,
        slowPermille: 100,
        slowUsMax: 3_000_000,
        clockSkewPermille: 0,
      },
      faults: {
        kinds: ['transfer', 'abdicate', 'partition-deaf', 'partition-isolate'],
        everyMs: 700,
      },
    },
  },
];

import type { Mutation } from '../mutation.ts';

/** Elections: HAZARDS R1, R2, R3, R6, R7. */
export const raftVoteMutations: readonly Mutation[] = [
  {
    id: 'vote-before-sync',
    rule: 'R1',
    breaks: 'A vote is answered before it is durable.',
    edits: [
      {
        file: 'raft/core/receive-vote.ts',
        find: "{ kind: 'vote-response', term: state.term, granted }, 'hard-state');",
        replace: "{ kind: 'vote-response', term: state.term, granted }, 'nothing');",
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'own-vote-before-sync',
    rule: 'R1',
    breaks: 'A candidate counts its own vote, and asks for others, before its term is durable.',
    edits: [
      {
        file: 'raft/core/election.ts',
        find: '  becomeCandidate(state, options);\n  askVoters(state);',
        replace:
          '  becomeCandidate(state, options);\n  askVoters(state);\n  countVote(state, state.config.self, true);',
      },
      {
        file: 'raft/core/election.ts',
        find: "state.send(voter, questionOf(state, role), 'everything');",
        replace: "state.send(voter, questionOf(state, role), 'nothing');",
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'vote-forgotten',
    rule: 'R1',
    breaks: 'The term is written and the vote is not: a restart forgets it.',
    edits: [
      {
        file: 'raft/core/writes.ts',
        find: 'this.#open().hardState = hardState;',
        replace: 'this.#open().hardState = { term: hardState.term, votedFor: null };',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'vote-and-term-in-two-writes',
    rule: 'R2',
    breaks: 'The vote reaches the disk in one write and its term in the next.',
    edits: [
      {
        file: 'raft/write-queue.ts',
        find: '  #durableIoId = 0;',
        replace: '  #durableIoId = 0;\n  #writtenTerm = null;',
      },
      {
        file: 'raft/write-queue.ts',
        find: 'this.#options.store.write(batch).then(',
        replace: `const store = this.#options.store;
    this.#writtenTerm ??= store.opened.hardState.term;
    const half = batch.hardState === null ? null : { term: this.#writtenTerm, votedFor: batch.hardState.votedFor };
    if (batch.hardState !== null) this.#writtenTerm = batch.hardState.term;
    const first = half === null ? Promise.resolve() : store.write({ hardState: half, truncateFrom: null, snapshot: null, entries: [] });
    first.then(() => store.write(batch)).then(`,
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: { syncUsMax: 20_000, diskSlowPermille: 200, diskSlowUsMax: 300_000 },
      faults: {
        kinds: ['crash', 'crash-leader', 'crash-majority', 'crash-all', 'crash-mid-step'],
        everyMs: 700,
      },
    },
  },
  {
    id: 'strangers-counted',
    rule: 'R3',
    breaks: 'Whoever sends a message is heeded, and votes are counted by message, not by member.',
    edits: [
      {
        file: 'raft/core/machine.ts',
        find: 'if (state.isMember(from) || state.leaderId === from) return true;',
        replace: 'if (from !== state.config.self) return true;',
      },
      {
        file: 'raft/core/quorum.ts',
        find: "  if (hasQuorum(sets, (voter) => votes.get(voter) === true)) return 'won';",
        replace:
          "  const granted = [...votes.values()].filter((vote) => vote).length;\n  if (granted * 2 > sets.incoming.length) return 'won';",
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'late-vote-counted',
    rule: 'I1, R3',
    breaks: 'A vote of an earlier term counts in this one.',
    edits: [
      {
        file: 'raft/core/election.ts',
        find: 'message: VoteResponse): void {\n  if (message.term < state.term) return;',
        replace: 'message: VoteResponse): void {',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 5,
      knobs: { slowPermille: 300, slowUsMax: 3_000_000, duplicatePermille: 300, lossPermille: 150 },
      faults: { kinds: ['crash-leader', 'pause-leader', 'partition-halves'], everyMs: 700 },
    },
  },
  {
    id: 'log-of-candidate-not-compared',
    rule: 'I4',
    breaks: 'A vote is given whatever the log of the candidate lacks.',
    edits: [
      {
        file: 'raft/core/receive-vote.ts',
        find: 'return last.term > own.term || (last.term === own.term && last.index >= own.index);',
        replace: 'return last.index >= 0 && own.index >= 0;',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'log-compared-by-length',
    rule: 'I4',
    breaks: 'The longer log wins a vote, whatever the term of its last entry.',
    edits: [
      {
        file: 'raft/core/receive-vote.ts',
        find: 'return last.term > own.term || (last.term === own.term && last.index >= own.index);',
        replace: 'return last.index >= own.index;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: { thinkMs: 20, clients: 4 },
      faults: {
        kinds: ['partition-isolate', 'partition-halves', 'crash-leader', 'crash-majority'],
        everyMs: 1000,
      },
    },
  },
  {
    id: 'old-candidate-not-told',
    rule: 'R6',
    breaks: 'Who asks for pre-votes of a term that is over is not told the current one.',
    edits: [
      {
        file: 'raft/core/receive-vote.ts',
        find: '  if (!isOver && state.mayALeaderBeAlive) return;',
        replace: '  if (isOver || state.mayALeaderBeAlive) return;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 3,
      knobs: {
        hasAbsentees: 1,
        hasWitness: 0,
        thinkMs: 20,
        clients: 4,
        writePermille: 800,
        lossPermille: 100,
      },
      faults: { kinds: ['campaign-in-vain'], everyMs: 2000 },
    },
  },
  {
    id: 'votes-while-a-leader-lives',
    rule: 'R7, R9',
    breaks: 'Pre-votes and votes are given while the leader is heard: they break its lease.',
    edits: [
      {
        file: 'raft/core/receive-vote.ts',
        find: '  if (!isOver && state.mayALeaderBeAlive) return;\n',
        replace: '',
      },
      {
        file: 'raft/core/receive-vote.ts',
        find: '  if (!message.isTransfer && state.mayALeaderBeAlive) return;\n',
        replace: '',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 3,
      knobs: {
        isLeaseOn: 1,
        clockSkewPermille: 0,
        clients: 8,
        thinkMs: 10,
        writePermille: 20,
        lossPermille: 0,
        diskSlowPermille: 0,
      },
      faults: {
        kinds: ['partition-one-way', 'partition-bridge', 'partition-isolate'],
        everyMs: 800,
      },
    },
  },
];

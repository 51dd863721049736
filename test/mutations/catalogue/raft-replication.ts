import type { Mutation } from '../mutation.ts';

/** Log, commits and disk: HAZARDS R10 to R14, R16, R17. */
export const raftReplicationMutations: readonly Mutation[] = [
  {
    id: 'messages-before-sync',
    rule: 'I8, R1',
    breaks: 'Messages that speak of a write leave before it is durable.',
    edits: [
      {
        file: 'raft/effect-runner.ts',
        find: 'if (effect.after === null || effect.after <= this.#writes.durableIoId) this.#send(effect);',
        replace: 'if (effect.after === null || effect.after >= 0) this.#send(effect);',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'append-ack-before-sync',
    rule: 'I8',
    breaks: 'A follower says that it holds entries before they are durable.',
    edits: [
      {
        file: 'raft/core/receive-append.ts',
        find: "condition: isDurable ? 'hard-state' : 'everything',",
        replace: "condition: isDurable ? 'hard-state' : 'hard-state',",
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'heartbeat-answer-claims-too-much',
    rule: 'I8',
    breaks: 'The answer to a heartbeat claims entries that are not durable yet.',
    edits: [
      {
        file: 'raft/core/receive-append.ts',
        find: 'matchIndex: matchIndex <= persistedIndex ? matchIndex : persistedIndex,',
        replace: 'matchIndex: matchIndex <= persistedIndex ? matchIndex : matchIndex,',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'leader-counts-itself-before-sync',
    rule: 'I9',
    breaks: 'A leader counts its own log before it is durable.',
    edits: [
      {
        file: 'raft/core/receive-append-response.ts',
        find: 'voter === self ? state.writes.persistedIndex : progressOf(leader, voter).matchIndex,',
        replace: 'voter === self ? state.log.lastIndex : progressOf(leader, voter).matchIndex,',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'older-term-committed-by-counting',
    rule: 'R10',
    breaks: 'A leader commits an entry of an earlier term by counting replicas.',
    edits: [
      {
        file: 'raft/core/receive-append-response.ts',
        find: ' || state.log.termAt(reached) !== state.term) return;',
        replace: ') return;',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'late-append-answer-counted',
    rule: 'I12',
    breaks: 'What a follower said in an earlier term counts in this one.',
    edits: [
      {
        file: 'raft/core/receive-append-response.ts',
        find: '  if (message.term < state.term) return;\n',
        replace: '',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: { slowPermille: 300, slowUsMax: 3_000_000, duplicatePermille: 300, lossPermille: 50 },
      faults: {
        kinds: ['transfer', 'abdicate', 'crash-leader', 'partition-isolate'],
        everyMs: 600,
      },
    },
  },
  {
    id: 'follower-commits-past-match',
    rule: 'I5',
    breaks: 'A follower commits what lies behind the entries it knows to be those of the leader.',
    edits: [
      {
        file: 'raft/core/receive-append.ts',
        find: 'state.commitTo(message.commitIndex < matchIndex ? message.commitIndex : matchIndex);',
        replace:
          'state.commitTo(message.commitIndex < state.log.lastIndex ? message.commitIndex : state.log.lastIndex);',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'late-append-truncates',
    rule: 'I12',
    breaks: 'An append that came late cuts off what was appended since.',
    edits: [
      {
        file: 'raft/core/receive-append.ts',
        find: '(entry) => state.log.termAt(entry.index) !== entry.term,',
        replace: '(entry) => entry.index > state.log.commitIndex,',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'conflict-kept',
    rule: 'R14, I3',
    breaks: 'Entries that contradict the leader stay, and are reported as its own.',
    edits: [
      {
        file: 'raft/core/receive-append.ts',
        find: '(entry) => state.log.termAt(entry.index) !== entry.term,',
        replace: '(entry) => state.log.termAt(entry.index) === null,',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'previous-entry-not-compared',
    rule: 'I3',
    breaks: 'An append is taken if the log is long enough, whatever the term of the entry before.',
    edits: [
      {
        file: 'raft/core/receive-append.ts',
        find: 'else if (state.log.holds(left.previous)) take(state, from, left);',
        replace: 'else if (left.previous.index <= state.log.lastIndex) take(state, from, left);',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'committed-entry-truncated',
    rule: 'I2, R14',
    breaks: 'A vote needs no log, and what contradicts the new leader is cut off below the commit.',
    edits: [
      {
        file: 'raft/core/receive-vote.ts',
        find: 'return last.term > own.term || (last.term === own.term && last.index >= own.index);',
        replace: 'return last.index >= 0 && own.index >= 0;',
      },
      {
        file: 'raft/core/receive-append.ts',
        find: '  if (from <= state.log.commitIndex || isUnknowable) {\n    state.refusedMessages += 1;\n    return false;\n  }\n',
        replace: '',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'outbox-outlives-its-term',
    rule: 'I3',
    breaks:
      'Appends ordered in one term are read and sent after the log was overwritten in the next, and taken as if their sender still led.',
    // Whatever one of the three lets through, another refuses.
    edits: [
      {
        file: 'raft/effect-runner.ts',
        find: 'isCurrent: this.#options.isCurrent,',
        replace: 'isCurrent: () => true,',
      },
      {
        file: 'raft/peer-outbox.ts',
        find: ' || last.term > effect.term) return null;',
        replace: ') return null;',
      },
      {
        file: 'raft/core/receive-append.ts',
        find: ' || entry.term < 1 || entry.term > message.term) return false;',
        replace: ' || entry.term < 1) return false;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      nodeCount: 5,
      knobs: {
        cacheBytesMax: 1000,
        clients: 8,
        thinkMs: 10,
        writePermille: 500,
        hasWitness: 0,
        snapshotEvery: 0,
        lossPermille: 150,
        diskSlowPermille: 0,
        diskSlowUsMax: 1_500_000,
        readSlowPermille: 500,
      },
      faults: { kinds: ['partition-left-behind'], everyMs: 2500 },
    },
  },
  {
    id: 'overwritten-append-counts',
    rule: 'R13',
    breaks: 'The late end of a write counts for entries that were overwritten since.',
    edits: [
      {
        file: 'raft/core/writes.ts',
        find: 'if (write.durableIndex > index) write.durableIndex = index;',
        replace: 'if (write.durableIndex < 0) write.durableIndex = index;',
      },
    ],
    scenario: 'raft',
    emphasis: {
      knobs: { diskSlowPermille: 200, diskSlowUsMax: 1_500_000, thinkMs: 20, clients: 4 },
      faults: {
        kinds: [
          'disk-hang',
          'disk-hang-leader',
          'partition-isolate',
          'partition-flapping',
          'crash-leader',
        ],
        everyMs: 800,
      },
    },
  },
  {
    id: 'hung-disk-leads-on',
    rule: 'R11',
    breaks: 'A leader whose disk hangs goes on leading.',
    edits: [
      {
        file: 'raft/leader-watch.ts',
        find: 'if (ageMs <= 2 * this.#options.electionMsMax) return;',
        replace: 'if (ageMs >= 0) return;',
      },
    ],
    scenario: 'raft',
    emphasis: { faults: { kinds: ['disk-hang-leader'], everyMs: 2500 } },
  },
  {
    id: 'failed-sync-taken-for-done',
    rule: 'R17',
    breaks: 'A write whose sync failed is taken for durable.',
    edits: [
      {
        file: 'raft/write-queue.ts',
        find: '(error: unknown) => this.#fail(error),',
        replace: '() => this.#finish(ioId, batch),',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'old-copy-of-the-log-unnoticed',
    rule: 'R12',
    breaks: 'A node starts on an old copy of its log, older than the mark beside it.',
    edits: [
      {
        file: 'test/simulation/kernel/sim-log-store.ts',
        find: 'if (disk.isRolledBack) {',
        replace: 'if (disk.isRolledBack && disk.host.length === 0) {',
      },
    ],
    scenario: 'raft',
  },
  {
    id: 'damage-taken-for-a-torn-tail',
    rule: 'R16',
    breaks: 'A damaged record is cut off at the start as if a crash had torn it.',
    edits: [
      {
        file: 'test/simulation/kernel/sim-log-store.ts',
        find: 'if (damaged !== undefined) throw logStoreCorrupt({ index: damaged[0], reason: damaged[1] });',
        replace: `if (damaged !== undefined) {
      disk.content.apply({ hardState: null, truncateFrom: damaged[0], snapshot: null, entries: [] });
      disk.content.damage.clear();
    }`,
      },
    ],
    scenario: 'raft',
    emphasis: {
      faults: { kinds: ['disk-damage', 'crash-leader', 'partition-isolate'], everyMs: 1500 },
    },
  },
];

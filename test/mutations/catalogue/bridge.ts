import type { Edit, Emphasis, Mutation } from '../mutation.ts';

const roleMachine = 'mysql-bridge/role/role-machine.ts';
const roleTasks = 'mysql-bridge/role-tasks.ts';
const ackGate = 'mysql-bridge/semisync/ack-gate.ts';

const notCompared: Edit = {
  file: 'mysql-bridge/binlog-cut.ts',
  find: '    if (isCommitted(transaction.gtid)) comparison?.take(transaction);\n',
  replace: '',
};

/** What commits waits while the other logs hang, so that a verdict falls into the stop of its node. */
const resetThenStopped: Emphasis = {
  nodeCount: 3,
  knobs: { thinkMs: 50 },
  faults: { kinds: ['reset-binlog', 'stop-node', 'hang-others'], everyMs: 700 },
};

/** Between Raft and mysqld: HAZARDS G1 to G9. */
export const bridgeMutations: readonly Mutation[] = [
  {
    id: 'ack-before-commit',
    rule: 'G1',
    breaks: 'A commit of the server is acked when it is proposed.',
    edits: [
      {
        file: ackGate,
        find: 'if (next === undefined || next.index > this.#commitIndex) break;',
        replace: 'if (next === undefined || next.index > this.#highestIndex) break;',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'ack-names-a-later-transaction',
    rule: 'G1',
    breaks: 'The cumulative ack names the newest transaction received, not the newest committed.',
    edits: [
      {
        file: ackGate,
        find: '      position = next.position;',
        replace: '      position = this.#pending.at(-1)?.position ?? next.position;',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'gate-open-before-apply',
    rule: 'G7, C8',
    breaks: 'Responses leave a new primary when it begins to catch up.',
    edits: [
      {
        file: roleMachine,
        find: "    this.#run({ kind: 'catch-up', term });",
        replace:
          "    this.#run({ kind: 'catch-up', term });\n    this.#emit({ kind: 'open-gate', term });",
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'promotion-waits-for-nothing',
    rule: 'G3, G6',
    breaks: 'A promotion neither waits for the applier nor holds the server against the log.',
    edits: [
      {
        file: roleTasks,
        find: '    while (!(await this.#connected().waitForExecuted(wanted, catchUpSliceMs)))\n      signal.throwIfAborted();',
        replace: '    void wanted;',
      },
      {
        file: roleTasks,
        find: 'if (!errant.isEmpty || !missing.isEmpty) {',
        replace: 'if (!errant.isEmpty) {',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'no-cut-before-start',
    rule: 'G2',
    breaks: 'A server starts on its binlog as the crash left it.',
    edits: [
      {
        file: roleTasks,
        find: 'const cut = await cutBinlog((gtid) => ledger.hasTransaction(gtid));',
        replace: 'const cut: readonly string[] = [];',
      },
    ],
    scenario: 'cluster',
    emphasis: { faults: { kinds: ['isolate', 'crash-both', 'crash-mysqld'], everyMs: 2500 } },
  },
  {
    id: 'cut-behind-the-first-uncommitted',
    rule: 'G2',
    breaks: 'The binlog is cut in front of its last uncommitted transaction, not of its first.',
    edits: [
      {
        file: 'mysql-bridge/binlog/cut-planner.ts',
        find: 'this.#from ??= start;',
        replace: 'this.#from = start;',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { syncUsMax: 20_000, thinkMs: 20 },
      faults: { kinds: ['crash-both', 'crash-mysqld', 'partition', 'hang-log'], everyMs: 1500 },
    },
  },
  {
    id: 'cut-before-the-log-decided',
    rule: 'G2, G3',
    breaks: 'The binlog is cut by what was committed before anybody led.',
    edits: [
      {
        file: roleMachine,
        find: '    if (!this.#leadership.isTailDecided) return;\n',
        replace: '',
      },
    ],
    scenario: 'cluster',
    emphasis: { faults: { kinds: ['isolate', 'crash-both', 'crash-sidecar'], everyMs: 2500 } },
  },
  {
    id: 'tail-decided-by-earlier-terms',
    rule: 'G5',
    breaks:
      'A leader cuts what an earlier life of its server proposed in the same term and the log may still commit, and no binlog is compared with the log by content.',
    edits: [
      {
        file: 'mysql-bridge/bridge.ts',
        find: "return isTailDecided && (role !== 'leader' || commitIndex === lastIndex);",
        replace: "return isTailDecided && (role !== 'leader' || commitIndex <= lastIndex);",
      },
      {
        file: 'mysql-bridge/binlog-cut.ts',
        find: "{ ...options, depth: 'events', compared: options.logged },",
        replace: "{ ...options, depth: 'events', compared: null },",
      },
    ],
    scenario: 'cluster',
    // While the other logs hang, a leader's server dies and is cut; an administrator's write takes the GTID that the log still holds.
    emphasis: {
      nodeCount: 3,
      knobs: { thinkMs: 100 },
      faults: { kinds: ['hang-others', 'crash-mysqld', 'errant-write'], everyMs: 700 },
    },
  },
  {
    id: 'deposed-primary-stopped-politely',
    rule: 'G2',
    breaks: 'A deposed primary is shut down, not killed: its waiting commits go through.',
    edits: [
      {
        file: roleTasks,
        find: '    this.disconnect();\n    await this.#parts.server.kill();',
        replace:
          '    this.disconnect();\n    await this.#parts.server.stop({ deadlineMs: 10_000 });',
      },
    ],
    scenario: 'cluster',
    emphasis: { faults: { kinds: ['isolate', 'partition', 'crash-twice'], everyMs: 3000 } },
  },
  {
    id: 'deposed-primary-not-fenced',
    rule: 'G7',
    breaks: 'A primary that lost its leadership goes on as it is.',
    edits: [
      {
        file: roleMachine,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the source, not a template.
        find: '    this.#fence(`leadership of term ${writable} ended`);\n',
        replace: '',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      faults: { kinds: ['isolate', 'isolate-and-pause', 'pause-sidecar'], everyMs: 3000 },
    },
  },
  {
    id: 'gate-open-at-the-fence',
    rule: 'G7',
    breaks: 'The gate stays open while a deposed primary is killed.',
    edits: [
      {
        file: roleMachine,
        find: "    this.#emit({ kind: 'close-gate', reason });\n    this.#emit({ kind: 'stop-acks' });\n    if (",
        replace: "    this.#emit({ kind: 'stop-acks' });\n    if (",
      },
    ],
    scenario: 'cluster',
  },
  // Each of these may be missing alone, and the others hold. All of them may, as long as the kill comes at once.
  {
    id: 'acks-after-deposition',
    rule: 'G7',
    breaks:
      'A deposed primary goes on acking what the log commits: neither fence, nor gate, nor tail stops it, and the kill comes late.',
    edits: [
      {
        file: roleTasks,
        find: '    this.disconnect();\n    await this.#parts.server.kill();',
        replace:
          '    await this.#parts.clock.delay(2000);\n    this.disconnect();\n    await this.#parts.server.kill();',
      },
      {
        file: roleMachine,
        find: "    this.#emit({ kind: 'stop-acks' });\n    if (",
        replace: '    if (',
      },
      {
        file: ackGate,
        find: "      case 'leadership-ended':\n        return this.#shut();",
        replace: "      case 'leadership-ended':\n        return nothing;",
      },
      {
        file: ackGate,
        find: '        if (input.term > this.#term) return this.#shut();\n        if (input.term < this.#term) return nothing;\n',
        replace: '',
      },
      {
        file: 'mysql-bridge/binlog-tail.ts',
        find: "if (status.role !== 'leader' || status.term !== mode.term) {",
        replace: "if (status.role !== 'leader' && status.term < mode.term) {",
      },
    ],
    scenario: 'cluster',
    emphasis: { knobs: { thinkMs: 50 }, faults: { kinds: ['isolate'], everyMs: 3000 } },
  },
  {
    id: 'errant-server-serves',
    rule: 'G5',
    breaks:
      'What a server executed is never held against the log, nor that it shut down with what the log does not hold as committed.',
    edits: [
      {
        file: 'mysql-bridge/ledger/transaction-ledger.ts',
        find: 'return executed.subtract(this.#state.committed);',
        replace: 'return executed.subtract(executed);',
      },
      {
        file: 'mysql-bridge/binlog-cut.ts',
        find: 'if (from !== null && wasClosed) {',
        replace: 'if (from !== null && wasClosed && planner.contradiction !== null) {',
      },
    ],
    scenario: 'cluster',
    // What waits on a leader that is cut off goes through when its server is shut down, and is in the log of nobody else.
    emphasis: {
      nodeCount: 3,
      knobs: { thinkMs: 100 },
      faults: { kinds: ['shutdown-while-hung'], everyMs: 5000 },
    },
  },
  {
    id: 'unlogged-write-unseen',
    rule: 'G2, H10',
    breaks: 'Nobody looks whether a session of a server turned its binlog off.',
    edits: [
      {
        file: 'mysql-bridge/role/unlogged-writes.ts',
        find: 'if (trace === undefined) return null;',
        replace: 'if (trace !== null) return null;',
      },
    ],
    scenario: 'cluster',
    emphasis: { nodeCount: 3, faults: { kinds: ['unlogged-write', 'crash-both'], everyMs: 8000 } },
  },
  {
    id: 'errant-without-a-leaders-word',
    rule: 'G5, H26',
    breaks:
      'A server that starts is called errant by what this node knows of the log, and no leader is asked.',
    edits: [
      {
        file: roleTasks,
        find: '    await ledger.caughtUpTo(await this.#readIndexOfLeader(signal), { signal });\n',
        replace: '',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      nodeCount: 3,
      // A log that is long in coming again: what is lost is asked for again, entry by entry, and writes take long.
      knobs: {
        thinkMs: 60,
        appendEntriesMax: 1,
        lossPermille: 300,
        slowPermille: 60,
        slowUsMax: 300_000,
        diskSlowPermille: 100,
        diskSlowUsMax: 1_200_000,
      },
      faults: { kinds: ['hang-log', 'crash-both', 'clog', 'crash-both'], everyMs: 1500 },
    },
  },
  {
    id: 'verdict-in-memory-alone',
    rule: 'G2, G5',
    breaks: 'A server is condemned without a mark on disk, and no binlog is held against the log.',
    edits: [
      {
        file: 'mysql-bridge/verdict-keeper.ts',
        find: 'await this.#server.condemn(condemnation);',
        replace: 'void this.#server;',
      },
      notCompared,
    ],
    scenario: 'cluster',
    emphasis: resetThenStopped,
  },
  {
    id: 'verdict-not-read',
    rule: 'G2, G5',
    breaks:
      'A node starts a server that it condemned in an earlier life, and no binlog is held against the log.',
    edits: [
      {
        file: 'mysql-bridge/bridge.ts',
        find: 'if (condemned !== null) this.#tasks.feedCondemned(condemned);',
        replace: '',
      },
      {
        file: 'test/simulation/node/sim-server.ts',
        find: 'const condemned = await this.condemnation();',
        replace: 'const condemned: Condemnation | null = null as Condemnation | null;',
      },
      notCompared,
    ],
    scenario: 'cluster',
    emphasis: resetThenStopped,
  },
  {
    id: 'binlog-not-compared',
    rule: 'G2',
    breaks:
      'The cut goes by GTIDs alone: what a server handed out again right before it died passes for what the log has.',
    edits: [notCompared],
    scenario: 'cluster',
    // While the sidecar sleeps or is cut off, an administrator resets the GTIDs and writes; then both processes die.
    emphasis: {
      nodeCount: 3,
      knobs: { thinkMs: 30 },
      faults: {
        kinds: ['reset-binlog', 'errant-write', 'pause-sidecar', 'cut-own-mysqld', 'crash-both'],
        everyMs: 400,
      },
    },
  },
  {
    id: 'guard-acks',
    rule: 'G5',
    breaks: 'A write on a read-only server is acked instead of being refused.',
    edits: [
      {
        file: 'mysql-bridge/binlog-tail.ts',
        find: "        if (mode.kind !== 'propose') return;\n        this.#endTransaction(",
        replace:
          "        if (mode.kind !== 'propose') {\n          this.#client?.sendAck(effect.end);\n          return;\n        }\n        this.#endTransaction(",
      },
      {
        file: 'mysql-bridge/binlog-tail.ts',
        find: "else if (mode.kind === 'guard') this.#refuseErrant(effect.payload.gtid);",
        replace: '',
      },
    ],
    scenario: 'cluster',
    emphasis: { faults: { kinds: ['errant-write'], everyMs: 3000 } },
  },
  {
    id: 'guard-absent',
    rule: 'G5',
    breaks: 'Nobody hears of a write on a read-only server while it waits for its ack.',
    edits: [
      {
        file: 'mysql-bridge/binlog-tail.ts',
        find: "else if (mode.kind === 'guard') this.#refuseErrant(effect.payload.gtid);",
        replace: '',
      },
    ],
    scenario: 'cluster',
    emphasis: { faults: { kinds: ['errant-write', 'transfer', 'crash-sidecar'], everyMs: 3000 } },
  },
  {
    id: 'ledger-counts-uncommitted',
    rule: 'G2, G6',
    breaks:
      'The ledger counts what is in the log and not committed, and the applier is fed from it.',
    edits: [
      {
        file: 'mysql-bridge/ledger/transaction-ledger.ts',
        find: '      last: this.#raft.status.commitIndex,',
        replace: '      last: this.#raft.status.lastIndex,',
      },
      {
        file: 'mysql-bridge/ledger/transaction-ledger.ts',
        find: 'if (this.#raft.status.commitIndex <= this.#state.index) return;',
        replace: 'if (this.#raft.status.lastIndex <= this.#state.index) return;',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'applier-fed-uncommitted',
    rule: 'G2',
    breaks: 'A replica is sent what is in the log and not committed.',
    edits: [
      {
        file: 'mysql-bridge/source/dump-stream.ts',
        find: '    while (this.#nextIndex <= ledger.ledgerIndex) {\n      const range = { first: this.#nextIndex, last: ledger.ledgerIndex };',
        replace:
          '    while (this.#nextIndex <= Math.max(ledger.ledgerIndex, log.status.lastIndex)) {\n      const range = { first: this.#nextIndex, last: Math.max(ledger.ledgerIndex, log.status.lastIndex) };',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'abandoned-fragments-sent',
    rule: 'G9',
    breaks: 'Fragments of a transaction that never ended are sent to a replica.',
    edits: [
      {
        file: 'mysql-bridge/source/dump-stream.ts',
        find: "      if (finalIndex === 'abandoned') return true;",
        replace: '',
      },
      {
        file: 'mysql-bridge/source/dump-stream.ts',
        find: '      this.#sendingUntil = finalIndex;',
        replace:
          "      this.#sendingUntil = finalIndex === 'abandoned' ? entry.index : finalIndex;",
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { fragmentBytesMax: 256, largeBytes: 4000, appendEntriesMax: 4, thinkMs: 150 },
      faults: { kinds: ['crash-mid-step'], everyMs: 2000 },
    },
  },
  {
    id: 'one-file-for-every-leader',
    rule: 'G6',
    breaks: 'The stream for a replica keeps one logical clock across leaders and restarts.',
    edits: [
      {
        file: 'mysql-bridge/source/dump-timeline.ts',
        find: '    const events = isContinued && !isFull ? [] : this.beginFile(index);',
        replace:
          '    const events = (isContinued || index > 0) && !isFull ? [] : this.beginFile(index);',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'promoted-twice-in-one-term',
    rule: 'G3, G5',
    breaks: 'A server is promoted twice in one term, on a log that is not decided to its end.',
    edits: [
      {
        file: roleMachine,
        find: ' || term <= this.#lastWritableTerm) return;',
        replace: ') return;',
      },
      {
        file: 'mysql-bridge/bridge.ts',
        find: "return isTailDecided && (role !== 'leader' || commitIndex === lastIndex);",
        replace: "return isTailDecided && (role !== 'leader' || commitIndex <= lastIndex);",
      },
      {
        file: roleTasks,
        find: 'await ledger.caughtUpTo(raft.status.lastIndex, { signal });',
        replace: 'await ledger.caughtUpTo(readyIndex, { signal });',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { syncUsMax: 20_000, diskSlowPermille: 100, diskSlowUsMax: 1_000_000 },
      faults: { kinds: ['crash-mysqld', 'hang-log', 'clog'], everyMs: 2000 },
    },
  },
  {
    id: 'left-behind-server-lives',
    rule: 'G2, G7',
    breaks: 'A sidecar starts beside the server that an earlier one left behind.',
    edits: [
      {
        file: 'test/simulation/node/sim-server.ts',
        find: "    this.#mysqld.process?.kill('left behind');\n",
        replace: '',
      },
    ],
    scenario: 'cluster',
    emphasis: { knobs: { isOrphaning: 1 } },
  },
  {
    id: 'dead-server-leads-on',
    rule: 'C10',
    breaks: 'A leader whose server died keeps the leadership, and nobody can be promoted.',
    edits: [
      {
        file: roleMachine,
        find: "(wasWritable || this.#state.kind === 'catching-up')) {",
        replace: 'false) {',
      },
    ],
    scenario: 'cluster',
    // Seldom: a server that died twice in a short time makes its leader give way by another rule.
    emphasis: { faults: { kinds: ['crash-mysqld'], everyMs: 15_000 } },
  },
  {
    id: 'outbox-forgets-what-raft-refused',
    rule: 'G3',
    breaks: 'What Raft has no room for now is dropped and never proposed.',
    edits: [
      {
        file: 'mysql-bridge/proposal-outbox.ts',
        find: "if (code === 'RAFT_TOO_MANY_IN_FLIGHT') return { kind: 'waiting' };",
        replace:
          "if (code === 'RAFT_TOO_MANY_IN_FLIGHT') {\n          this.#waiting.splice(0, batch.length);\n          return { kind: 'waiting' };\n        }",
      },
    ],
    scenario: 'cluster',
    emphasis: { knobs: { uncommittedBytesMax: 2000, syncUsMax: 20_000, thinkMs: 100 } },
  },
];

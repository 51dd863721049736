import type { Mutation } from '../mutation.ts';

const sessionFile = 'proxy/worker/session.ts';

/** Between clients and mysqld: HAZARDS C7 to C9, G4, H16, H32. */
export const proxyMutations: readonly Mutation[] = [
  {
    id: 'response-not-held',
    rule: 'C8, H15',
    breaks: 'Responses of the primary leave without a quorum round.',
    edits: [
      {
        file: sessionFile,
        find: 'const mayLeave = !this.#isOnPrimary || this.#machine.isReleased || this.#isConfirmed();',
        replace: 'const mayLeave = true;',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { isLeaseOn: 0, thinkMs: 20 },
      faults: { kinds: ['isolate-and-pause', 'partition', 'pause-sidecar'], everyMs: 4000 },
    },
  },
  {
    id: 'deposed-primary-answers',
    rule: 'G7, H16',
    breaks: 'Sessions stay on a server that is no more what they came to it for.',
    edits: [
      {
        file: sessionFile,
        find: '    if (this.#hasPermission()) return true;\n    this.end',
        replace: '    if (this.#server !== undefined) return true;\n    this.end',
      },
      {
        file: sessionFile,
        find: 'if (this.#hasPermission() && this.#host.isStillWanted(binding, this.port)) return;',
        replace: 'if (this.#server !== null) return;',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { isLeaseOn: 0 },
      faults: { kinds: ['isolate', 'isolate-and-pause', 'pause-sidecar'], everyMs: 3000 },
    },
  },
  {
    id: 'session-outlives-the-hand-over',
    rule: 'C8, H16',
    breaks: 'A read-write session stays on a primary that has handed over, and is answered there.',
    edits: [
      {
        file: sessionFile,
        find: 'return this.#host.gate.epoch(permission.kind) === permission.epoch;',
        replace:
          "return permission.kind === 'gate' || this.#host.gate.epoch(permission.kind) === permission.epoch;",
      },
      {
        file: sessionFile,
        find: 'if (this.#hasPermission() && this.#host.isStillWanted(binding, this.port)) return;',
        replace:
          'if (this.#isOnPrimary || (this.#hasPermission() && this.#host.isStillWanted(binding, this.port))) return;',
      },
      {
        file: 'proxy/worker/session-table.ts',
        find: "if (isHandedOver && isOnPrimary) session.end('moved');",
        replace: "if (isHandedOver && !isOnPrimary) session.end('moved');",
      },
    ],
    scenario: 'cluster',
    emphasis: {
      nodeCount: 3,
      knobs: { isLeaseOn: 0, thinkMs: 50 },
      faults: { kinds: ['transfer'], everyMs: 2500 },
    },
  },
  {
    id: 'round-begun-before-the-command',
    rule: 'C8',
    breaks: 'A response leaves by a round that was confirmed before its command came.',
    edits: [
      {
        file: sessionFile,
        find: 'if (this.#isRoundRequested) this.#round = this.#host.requestRound();',
        replace: 'if (this.#isRoundRequested) this.#round ??= this.#host.requestRound();',
      },
      {
        file: sessionFile,
        find: 'else this.#round = usesLease ? null : gate.nextRound;',
        replace: 'else this.#round ??= usesLease ? null : gate.nextRound;',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { isLeaseOn: 0 },
      faults: { kinds: ['isolate-and-pause', 'partition', 'pause-sidecar'], everyMs: 4000 },
    },
  },
  {
    id: 'expected-commit-confirms',
    rule: 'C8, H15',
    breaks: 'The answer to a command that is expected to commit leaves without a round.',
    edits: [
      {
        file: sessionFile,
        find: 'else this.#round = usesLease ? null : gate.nextRound;',
        replace: 'else this.#round = usesLease ? null : 0n;',
      },
    ],
    scenario: 'cluster',
    emphasis: {
      knobs: { isLeaseOn: 0, thinkMs: 20 },
      faults: { kinds: ['isolate-and-pause', 'partition', 'pause-sidecar'], everyMs: 4000 },
    },
  },
  {
    id: 'command-sent-twice',
    rule: 'C9',
    breaks: 'A command goes to the server a second time.',
    edits: [
      {
        file: 'proxy/core/session-machine.ts',
        find: '    if (!run.isLast) return;\n    this.#isSending = false;\n    // An empty',
        replace:
          '    if (!run.isLast) return;\n    if (run.isFirst) this.#toServer(run);\n    this.#isSending = false;\n    // An empty',
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'lost-commit-is-an-error',
    rule: 'G4, C9',
    breaks: 'A connection lost in COMMIT is reported as a definite error.',
    edits: [
      {
        file: 'proxy/core/ending.ts',
        find: "if (stake.command === 'started' && stake.mayWrite) return 'PROXY_OUTCOME_UNKNOWN';",
        replace: "if (stake.command === 'started' && stake.mayWrite) return 'PROXY_NOT_EXECUTED';",
      },
    ],
    scenario: 'cluster',
  },
  {
    id: 'read-only-port-on-the-primary',
    rule: 'H32, S4',
    breaks: 'Read-only sessions are sent to the local server while it is the primary.',
    edits: [
      {
        file: 'cli/proxy-view.ts',
        find: "const isServing = role.kind === 'replica' || role.kind === 'catching-up';",
        replace:
          "const isServing = role.kind === 'replica' || role.kind === 'catching-up' || role.kind === 'primary';",
      },
    ],
    scenario: 'cluster',
  },
];

import { type Bound, boundOf } from './bounds.ts';
import type { SourceEdit } from './core-loader.ts';
import type { Plant } from './plants.ts';

/** A rule taken out of the protocol, and what must find that. */
export interface PlantedBug {
  readonly name: string;
  readonly roleEdits?: readonly SourceEdit[];
  readonly ackGateEdits?: readonly SourceEdit[];
  readonly plants?: readonly Plant[];
  readonly bound: Bound;
  /** The property that must be found violated. */
  readonly property: string;
}

const oneWrite = { transactions: 1, termMax: 1 } as const;
const quiet: Bound = boundOf('one write', oneWrite);
const withCrash: Bound = boundOf('one write and a crash', { ...oneWrite, faults: { crash: 1 } });
const withLeaders: Bound = boundOf('one write and a second leader', {
  transactions: 1,
  termMax: 2,
});
const withAdministrator: Bound = boundOf('an administrator', {
  ...oneWrite,
  faults: { crash: 1, meddle: 1 },
});

const noGateClosing: SourceEdit = {
  find: `    this.#emit({ kind: 'close-gate', reason });
    this.#emit({ kind: 'stop-acks' });
    if (`,
  replace: `    this.#emit({ kind: 'stop-acks' });
    if (`,
};
const promotedAgain: SourceEdit = {
  find: ' || term <= this.#lastWritableTerm) return;',
  replace: ') return;',
};

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'the ack gate lets an ack out before the commit',
    ackGateEdits: [
      { find: 'next.index > this.#commitIndex', replace: 'next.index > this.#highestIndex' },
    ],
    bound: quiet,
    property: 'G1',
  },
  {
    name: 'the gate opens when the catch-up begins',
    roleEdits: [
      {
        find: "    this.#run({ kind: 'catch-up', term });",
        replace:
          "    this.#run({ kind: 'catch-up', term });\n    this.#emit({ kind: 'open-gate', term });",
      },
    ],
    bound: withLeaders,
    property: 'G3',
  },
  { name: 'no cut before the start', plants: ['no-cut'], bound: withCrash, property: 'G2' },
  {
    name: 'the cut keeps what is in the log and not committed, and asks before the log decided',
    roleEdits: [{ find: '    if (!this.#leadership.isTailDecided) return;\n', replace: '' }],
    plants: ['cut-keeps-uncommitted'],
    bound: withCrash,
    property: 'G2',
  },
  {
    name: 'a deposed primary is stopped politely',
    plants: ['polite-kill'],
    bound: quiet,
    property: 'G2',
  },
  {
    name: 'the gate stays open at a deposition',
    roleEdits: [noGateClosing],
    bound: quiet,
    property: 'G7',
  },
  {
    name: 'a deposed primary is not fenced',
    roleEdits: [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the source, not a template.
      { find: '    this.#fence(`leadership of term ${writable} ended`);\n', replace: '' },
    ],
    bound: quiet,
    property: 'G7',
  },
  {
    name: 'a server is promoted twice in one term, on a log that is not decided to its end',
    roleEdits: [promotedAgain],
    plants: ['tail-decided-by-earlier-terms', 'catch-up-to-commit-index'],
    bound: withCrash,
    property: 'G3',
  },
  {
    name: 'a promotion waits for nothing and checks nothing',
    plants: ['no-catch-up', 'no-equality-check'],
    bound: withLeaders,
    property: 'G3',
  },
  {
    name: 'KILL lets a waiting commit go on',
    plants: ['kill-releases-waiter'],
    bound: boundOf('a KILL', { ...oneWrite, faults: { kill: 1 } }),
    property: 'G2',
  },
  {
    name: 'a connection lost in COMMIT is a definite error',
    plants: ['lost-commit-is-an-error'],
    bound: boundOf('a KILL', { ...oneWrite, faults: { kill: 1 } }),
    property: 'G4',
  },
  {
    name: 'the applier takes what is not committed',
    plants: ['apply-uncommitted'],
    bound: quiet,
    property: 'G2',
  },
  {
    name: 'the applier does not preserve the commit order',
    plants: ['apply-newest-first'],
    bound: boundOf('two writes', { transactions: 2, termMax: 1 }),
    property: 'G6',
  },
  {
    name: 'GTIDs are not held against the log at a start',
    plants: ['no-errant-check'],
    bound: withAdministrator,
    property: 'G5',
  },
  {
    name: 'a leader starts its server while its log holds undecided entries of its own term',
    plants: ['tail-decided-by-earlier-terms'],
    bound: withAdministrator,
    property: 'G5',
  },
  {
    name: 'a start outlives the kill that came before it spawned',
    plants: ['start-survives-kill'],
    bound: boundOf('a crash and an alarm', { ...oneWrite, faults: { crash: 1, alarm: 1 } }),
    property: 'one server',
  },
  {
    name: 'a sidecar starts beside the server that an earlier one left behind',
    plants: ['left-behind-survives'],
    bound: withCrash,
    property: 'one server',
  },
  {
    name: 'a node that knows it is errant stands for election',
    roleEdits: [
      { find: "    this.#emit({ kind: 'set-electable', isElectable: false });\n", replace: '' },
    ],
    bound: withAdministrator,
    property: 'G5',
  },
  {
    name: 'a leader is promoted before an entry of its term is committed, by the commit index it had',
    roleEdits: [{ find: '!isLeader || !isLeaderReady ||', replace: '!isLeader ||' }],
    plants: ['catch-up-to-commit-index'],
    bound: withLeaders,
    property: 'G3',
  },
];

/** Rules that another one backs up: alone they may be missing, and this is how that is known. */
export const redundantRules: readonly Omit<PlantedBug, 'property'>[] = [
  {
    name: 'a server is promoted twice in one term',
    roleEdits: [promotedAgain],
    bound: withCrash,
  },
  {
    name: 'a promotion waits for what is committed, not for the whole log',
    plants: ['catch-up-to-commit-index'],
    bound: withLeaders,
  },
  {
    name: 'a promotion does not hold the server against the log',
    plants: ['no-equality-check'],
    bound: withLeaders,
  },
  {
    name: 'a hand-over without making the server read-only',
    roleEdits: [
      {
        find: "    this.#run({ kind: 'quiesce', deadlineMs });",
        replace:
          "    this.#state = { kind: 'handing-over', term: state.term };\n    this.#run({ kind: 'transfer-leadership', target });",
      },
    ],
    bound: boundOf('a transfer', { transactions: 1, termMax: 2, faults: { transfer: 1 } }),
  },
  {
    name: 'the tail does not look at Raft again once it proposes',
    plants: ['tail-keeps-proposing'],
    bound: withLeaders,
  },
  {
    name: 'the ack gate does not shut when leadership ends',
    ackGateEdits: [
      {
        find: "case 'leadership-ended':\n        return this.#shut();",
        replace: "case 'leadership-ended':\n        return nothing;",
      },
    ],
    bound: withLeaders,
  },
];

import { SystemClock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { EntryKind, logIndex, type RaftNode } from '../../raft/index.ts';
import { openMemberNode } from '../support/member-node.ts';

// A process of its own that is one Raft member: while it leads it proposes without end, and tells its parent what it saw commit.

/** The first message of the parent. */
export interface MemberSettings {
  readonly id: string;
  readonly directory: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly tickMs?: number;
}

export type MemberReport =
  | { readonly kind: 'leading'; readonly term: number }
  /** Settled as committed: `[index, text]` of each. */
  | { readonly kind: 'committed'; readonly entries: readonly (readonly [number, string])[] }
  | { readonly kind: 'log'; readonly entries: readonly (readonly [number, string])[] };

export type MemberCommand =
  | { readonly kind: 'start'; readonly settings: MemberSettings }
  /** Propose nothing more. */
  | { readonly kind: 'quiesce' }
  /** Answer with the data entries up to the commit index, once that has reached `index`. */
  | { readonly kind: 'dump'; readonly index: number };

const clock = new SystemClock();
let isProposing = true;

function report(message: MemberReport): void {
  process.send?.(message);
}

/** Keeps a few proposals under way in each leadership, and reports each once it is settled. */
function proposeWhileLeading(node: RaftNode, name: string): void {
  let underWay: [number, string][] = [];
  let leadingTerm = 0;
  let count = 0;
  node.onChange((status) => {
    if (status.term !== leadingTerm || status.role !== 'leader') underWay = [];
    if (status.leaderReadyIndex === null) return;
    if (status.term !== leadingTerm) {
      leadingTerm = status.term;
      report({ kind: 'leading', term: leadingTerm });
    }
    const settled = underWay.filter(([index]) => index <= status.commitIndex);
    underWay = underWay.slice(settled.length);
    if (settled.length > 0) report({ kind: 'committed', entries: settled });
    while (isProposing && underWay.length < 8) {
      count += 1;
      const text = `${name}/${leadingTerm}/${count}`;
      const receipt = node.propose([new TextEncoder().encode(text)]);
      underWay.push([receipt.firstIndex, text]);
    }
  });
}

async function dump(node: RaftNode, index: number): Promise<void> {
  while (node.status.commitIndex < index) await clock.delay(5);
  const found: [number, string][] = [];
  const last = node.status.commitIndex;
  for (let next = 1; next <= last; ) {
    const range = { first: logIndex(next), last, bytesMax: 1024 * 1024 };
    const entries = await node.read(range);
    for (const { kind, index: at, payload } of entries) {
      if (kind === EntryKind.data) found.push([at, new TextDecoder().decode(payload)]);
    }
    next += entries.length;
  }
  report({ kind: 'log', entries: found });
}

async function obey(command: MemberCommand): Promise<void> {
  if (command.kind === 'quiesce') isProposing = false;
  else if (command.kind === 'dump') await dump(await running.promise, command.index);
  else {
    const node = await openMemberNode(command.settings);
    running.resolve(node);
    proposeWhileLeading(node, command.settings.id);
  }
}

const running = deferred<RaftNode>();

// A command that fails ends the process: the parent sees that.
process.on('message', (command: MemberCommand) => void obey(command));
process.on('disconnect', () => process.exit(0));

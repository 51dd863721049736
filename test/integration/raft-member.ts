import { SystemClock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { openLevelLogStore } from '../../log-store/index.ts';
import {
  createRaftNode,
  defaultRaftTimings,
  EntryKind,
  GrpcTransport,
  logIndex,
  membershipOfVoters,
  nodeId,
  type RaftNode,
} from '../../raft/index.ts';

// A process of its own that is one Raft member: while it leads it proposes without end, and tells its parent what it saw commit.

/** The first message of the parent. */
export interface MemberSettings {
  readonly id: string;
  readonly directory: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly seed: number;
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

async function start(settings: MemberSettings): Promise<RaftNode> {
  const self = nodeId(settings.id);
  const store = await openLevelLogStore({
    directory: settings.directory,
    clusterId: 'test',
    nodeId: self,
    logger: silentLogger,
  });
  const voters = Object.keys(settings.ports).map(nodeId);
  const transport = new GrpcTransport({
    self,
    listen: { host: '127.0.0.1', port: settings.ports[self] ?? 0 },
    peers: voters
      .filter((id) => id !== self)
      .map((id) => ({ id, host: '127.0.0.1', port: settings.ports[id] ?? 0 })),
    clusterId: 'test',
    fingerprint: 'f',
    logger: silentLogger,
    random: new SeededRandom(settings.seed),
    clock,
  });
  const node = createRaftNode({
    config: { ...defaultRaftTimings, self, initialMembers: membershipOfVoters(voters).incoming },
    random: new SeededRandom(settings.seed + 1),
    store,
    transport,
    clock,
    logger: silentLogger,
    onFatal: (error) => {
      process.stderr.write(`${settings.id}: ${error}\n`);
      process.exit(1);
    },
  });
  await node.open();
  return node;
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
    const node = await start(command.settings);
    running.resolve(node);
    proposeWhileLeading(node, command.settings.id);
  }
}

const running = deferred<RaftNode>();

// A command that fails ends the process: the parent sees that.
process.on('message', (command: MemberCommand) => void obey(command));
process.on('disconnect', () => process.exit(0));

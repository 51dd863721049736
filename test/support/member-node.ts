import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { type FileSnapshotStore, openLevelLogStore } from '../../log-store/index.ts';
import {
  createRaftNode,
  defaultRaftTimings,
  membershipOfVoters,
  nodeId,
  type RaftNode,
  TcpTransport,
} from '../../raft/index.ts';

export interface MemberNodeOptions {
  readonly id: string;
  /** Of the Raft log. */
  readonly directory: string;
  /** Where each voter listens on this machine, itself included. */
  readonly ports: Readonly<Record<string, number>>;
  readonly seed: number;
  /** A long one where no leader is to be missed by mistake. */
  readonly tickMs?: number;
  readonly snapshots?: FileSnapshotStore;
}

/** A Raft member on a real disk and real sockets, open, for a process that is nothing else: what ends the member ends the process. */
export async function openMemberNode(options: MemberNodeOptions): Promise<RaftNode> {
  const { id, directory, ports, seed, snapshots } = options;
  const clock = new SystemClock();
  const self = nodeId(id);
  const store = await openLevelLogStore({
    directory,
    clusterId: 'test',
    nodeId: self,
    logger: silentLogger,
  });
  const voters = Object.keys(ports).map(nodeId);
  const transport = new TcpTransport({
    self,
    listen: { host: '127.0.0.1', port: ports[self] ?? 0 },
    peers: voters
      .filter((voter) => voter !== self)
      .map((voter) => ({ id: voter, host: '127.0.0.1', port: ports[voter] ?? 0 })),
    clusterId: 'test',
    fingerprint: 'f',
    logger: silentLogger,
    random: new SeededRandom(seed),
    clock,
    ...(snapshots !== undefined && { snapshots }),
  });
  const node = createRaftNode({
    config: { ...defaultRaftTimings, self, initialMembers: membershipOfVoters(voters).incoming },
    random: new SeededRandom(seed + 1),
    store,
    transport,
    ...(snapshots !== undefined && { snapshots: { store: snapshots, source: transport } }),
    clock,
    ...(options.tickMs !== undefined && { tickMs: options.tickMs }),
    logger: silentLogger,
    onFatal: (error) => {
      process.stderr.write(`${id}: ${error}\n`);
      process.exit(1);
    },
  });
  await node.open();
  return node;
}

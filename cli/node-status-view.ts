import type { MySqlStatus, NodeStatus } from '../admin/node-status.ts';
import type { Bridge, BridgeStatus } from '../mysql-bridge/bridge.ts';
import type { TransactionLedger } from '../mysql-bridge/ledger/transaction-ledger.ts';
import type { MySqlServer } from '../mysql-bridge/mysql-server.ts';
import type { NodeProxy } from '../proxy/index.ts';
import type { Raft, RaftStatus } from '../raft/raft-api.ts';
import type { MemberConfig, NodeConfig } from './config-schema.ts';
import { packageVersion } from './version.ts';

export interface StatusFacts {
  readonly config: NodeConfig;
  readonly self: MemberConfig;
  readonly raft: Raft;
  readonly bridge: Bridge;
  readonly ledger: TransactionLedger;
  readonly server: MySqlServer;
  readonly proxy: NodeProxy;
  readonly uptimeMs: number;
  readonly isGateOpen: boolean;
  /** Of the MySQL server. */
  readonly version: string;
}

/** Everything there is to know about this node now, put together from its parts. */
export function nodeStatus(facts: StatusFacts): NodeStatus {
  const { config, self, raft, proxy } = facts;
  return {
    node: config.node,
    clusterId: config.clusterId,
    version: packageVersion,
    pid: process.pid,
    uptimeMs: Math.round(facts.uptimeMs),
    raft: raft.status,
    mysql: mysqlStatus(facts),
    proxy: { ...proxy.counts(), isGateOpen: facts.isGateOpen },
    ports: {
      readWrite: config.listen.readWritePort,
      readOnly: config.listen.readOnlyPort,
      binlog: config.listen.binlogPort,
      raft: self.raftPort,
      admin: self.adminPort,
      mysql: config.mysql.port,
    },
  };
}

function mysqlStatus({ bridge, ledger, server, raft, version }: StatusFacts): MySqlStatus {
  const status = bridge.status;
  const complaints = [...status.complaints];
  if (status.state.kind === 'primary' && !status.isAppAccountReady) {
    complaints.push('the account for applications is not there yet');
  }
  if (raft.status.isRemoved) {
    complaints.push('this node was removed from the cluster and serves nobody');
  }
  return {
    role: status.state.kind,
    reason: status.reason,
    since: new Date(status.sinceMs).toISOString(),
    health: healthOf(status, complaints, raft.status),
    complaints,
    version,
    pid: server.pid,
    gtidExecuted: status.gtidExecuted,
    appliedIndex: status.appliedIndex,
    entriesBehind: Math.max(0, raft.status.commitIndex - status.appliedIndex),
    logHash: ledger.logHash,
    logHashIndex: ledger.ledgerIndex,
    unackedTransactions: status.unackedTransactions,
  };
}

/** `starting` ends by itself; a server that is down on a node that was removed never starts, since nobody tells that node what is committed. */
export function healthOf(
  { state }: Pick<BridgeStatus, 'state'>,
  complaints: readonly string[],
  raft: Pick<RaftStatus, 'leaderId' | 'isRemoved'>,
): MySqlStatus['health'] {
  switch (state.kind) {
    case 'primary':
    case 'replica':
      return complaints.length > 0 || raft.leaderId === null ? 'degraded' : 'ok';
    case 'fencing':
    case 'backing-off':
    case 'condemning':
    case 'quarantined':
    case 'rebuilding':
      return 'down';
    default:
      return raft.isRemoved ? 'down' : 'starting';
  }
}

import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import type { NodeStatus } from './node-status.ts';

/** Each gauge reads the status at scrape time, so nothing is counted on the hot path for it. */
const gauges: readonly {
  readonly name: string;
  readonly help: string;
  readonly read: (status: NodeStatus) => number;
}[] = [
  { name: 'binraft_raft_term', help: 'Current Raft term.', read: ({ raft }) => raft.term },
  {
    name: 'binraft_raft_is_leader',
    help: '1 on the leader.',
    read: ({ raft }) => Number(raft.role === 'leader'),
  },
  {
    name: 'binraft_raft_last_index',
    help: 'Newest log entry here.',
    read: ({ raft }) => raft.lastIndex,
  },
  {
    name: 'binraft_raft_persisted_index',
    help: 'Newest durable log entry here.',
    read: ({ raft }) => raft.persistedIndex,
  },
  {
    name: 'binraft_raft_commit_index',
    help: 'Newest committed log entry known here.',
    read: ({ raft }) => raft.commitIndex,
  },
  {
    name: 'binraft_raft_applied_index',
    help: 'Newest log entry in effect on the local MySQL.',
    read: ({ mysql }) => mysql.appliedIndex,
  },
  {
    name: 'binraft_mysql_is_primary',
    help: '1 where MySQL is the primary.',
    read: ({ mysql }) => Number(mysql.role === 'primary'),
  },
  {
    name: 'binraft_mysql_is_healthy',
    help: '1 when MySQL serves in its role.',
    read: ({ mysql }) => Number(mysql.health === 'ok'),
  },
  {
    name: 'binraft_mysql_entries_behind',
    help: 'Committed entries not yet applied here.',
    read: ({ mysql }) => mysql.entriesBehind,
  },
  {
    name: 'binraft_mysql_unacked_transactions',
    help: 'Transactions waiting for the quorum.',
    read: ({ mysql }) => mysql.unackedTransactions,
  },
  {
    name: 'binraft_proxy_is_gate_open',
    help: '1 while responses of the local primary may leave.',
    read: ({ proxy }) => Number(proxy.isGateOpen),
  },
  {
    name: 'binraft_proxy_read_write_sessions',
    help: 'Sessions on the read-write port.',
    read: ({ proxy }) => proxy.readWriteSessions,
  },
  {
    name: 'binraft_proxy_read_only_sessions',
    help: 'Sessions on the read-only port.',
    read: ({ proxy }) => proxy.readOnlySessions,
  },
  {
    name: 'binraft_proxy_refused_sessions',
    help: 'Connections refused since the start.',
    read: ({ proxy }) => proxy.refusedSessions,
  },
  {
    name: 'binraft_proxy_held_responses',
    help: 'Responses waiting for leadership to be confirmed.',
    read: ({ proxy }) => proxy.heldResponses,
  },
];

/** Registers ours and Node's own (event-loop delay since the scrape before, memory, open handles). */
export function registerMetrics(registry: Registry, status: () => NodeStatus): void {
  collectDefaultMetrics({ register: registry });
  // Part of Node's external memory; entries, packets and messages on the wire are in it.
  const arrayBuffers: Gauge = new Gauge({
    name: 'binraft_process_array_buffers_bytes',
    help: 'Memory of array buffers of the main thread.',
    registers: [registry],
    collect: () => arrayBuffers.set(process.memoryUsage().arrayBuffers),
  });
  for (const { name, help, read } of gauges) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => gauge.set(read(status())),
    });
  }
}

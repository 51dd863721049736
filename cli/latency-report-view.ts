import type { LatencyReport } from '../admin/latency-report.ts';
import type { HistogramSnapshot } from '../base/histogram-snapshot.ts';
import type { CommitTimingsSnapshot } from '../mysql-bridge/latency/commit-timings.ts';
import type { RaftStatus } from '../raft/raft-api.ts';

export interface LatencyFacts {
  readonly node: string;
  readonly raft: Pick<RaftStatus, 'role' | 'term'>;
  readonly uptimeMs: number;
  readonly timings: CommitTimingsSnapshot;
  readonly ackToClient: HistogramSnapshot;
}

/** What the bridge and the proxy have counted, under the names that are shown. */
export function latencyReport(facts: LatencyFacts): LatencyReport {
  const { node, raft, timings, uptimeMs } = facts;
  return {
    node,
    pid: process.pid,
    uptimeMs: Math.round(uptimeMs),
    role: raft.role,
    term: raft.term,
    stages: {
      'binlog-to-bridge': timings.binlogToBridge,
      'propose-to-durable': timings.proposeToDurable,
      'propose-to-quorum': timings.proposeToQuorum,
      'quorum-to-ack': timings.quorumToAck,
      'ack-to-client': facts.ackToClient,
    },
    logWrite: timings.logWrite,
  };
}

import type { LatencyReport } from '../../admin/latency-report.ts';
import type { HistogramSnapshot } from '../../base/histogram-snapshot.ts';

export const nothingCounted: HistogramSnapshot = { count: 0, sumUs: 0, buckets: [] };

/** A follower that has counted nothing, but for what a test says. */
export function latencyReport(fields: Partial<LatencyReport> = {}): LatencyReport {
  return {
    node: 'n1',
    pid: 100,
    uptimeMs: 1000,
    role: 'follower',
    term: 3,
    stages: {
      'binlog-to-bridge': nothingCounted,
      'propose-to-durable': nothingCounted,
      'propose-to-quorum': nothingCounted,
      'quorum-to-ack': nothingCounted,
      'ack-to-client': nothingCounted,
    },
    logWrite: nothingCounted,
    ...fields,
  };
}

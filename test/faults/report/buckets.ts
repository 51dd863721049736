import { nearestRank } from '../../../base/nearest-rank.ts';
import { distributionOf } from '../../../bench/core/distribution.ts';
import type { EndedOperation } from '../judge/operation-times.ts';

/** What ended within one stretch of time. */
export interface Bucket {
  readonly fromMs: number;
  /** Per second. */
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  /** Of what ended well; null where nothing did. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface Buckets {
  readonly widthMs: number;
  readonly buckets: readonly Bucket[];
}

const bucketsMax = 400;
const widthsMs = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].map(
  (seconds) => seconds * 1000,
);

/** Stretches of at least a second, as many as a picture can show. */
export function bucketsOf(operations: readonly EndedOperation[], stoppedMs: number): Buckets {
  const widthMs =
    widthsMs.find((width) => stoppedMs / width <= bucketsMax) ?? Math.ceil(stoppedMs / bucketsMax);
  const count = Math.max(1, Math.ceil(stoppedMs / widthMs));
  const groups = Map.groupBy(operations, ({ endMs }) =>
    Math.min(count - 1, Math.max(0, Math.floor(endMs / widthMs))),
  );
  const buckets = Array.from({ length: count }, (_, index) => {
    const fromMs = index * widthMs;
    // The last one may be shorter.
    const seconds = Math.max(1, Math.min(widthMs, stoppedMs - fromMs)) / 1000;
    return bucketOf(groups.get(index) ?? [], { fromMs, seconds });
  });
  return { widthMs, buckets };
}

function bucketOf(
  ended: readonly EndedOperation[],
  { fromMs, seconds }: { readonly fromMs: number; readonly seconds: number },
): Bucket {
  const rate = (outcome: EndedOperation['outcome']): number =>
    ended.filter((operation) => operation.outcome === outcome).length / seconds;
  const latencies = distributionOf(
    ended.flatMap(({ outcome, latencyMs }) => (outcome === 'ok' ? [latencyMs] : [])),
  );
  return {
    fromMs,
    ok: rate('ok'),
    failed: rate('fail'),
    unknown: rate('info'),
    p50Ms: nearestRank(latencies, 0.5),
    p99Ms: nearestRank(latencies, 0.99),
    maxMs: nearestRank(latencies, 1),
  };
}

import type { HistogramSnapshot } from './histogram-snapshot.ts';

// Buckets of whole microseconds, as in HdrHistogram: each power of two is cut into 16 of equal width, so a bucket is at most a sixteenth
// of what it holds wide, from microseconds to an hour. Below 16 µs a bucket is one microsecond.

const subBucketBits = 4;
const subBuckets = 1 << subBucketBits;
const microsMax = 0xffff_ffff;
/** Exponents 4 to 31, behind the first 16 buckets. */
const bucketCount = subBuckets + (32 - subBucketBits) * subBuckets;
const sumCell = bucketCount;
const cells = bucketCount + 1;

/**
 * Counts durations in a fixed number of buckets: recording is a few atomic additions, allocates nothing, and may be done by any thread
 * that shares the memory. Counters have 64 bits, in two halves.
 */
export class LatencyHistogram {
  /** Memory of one. */
  static readonly bytes: number = 2 * cells * Int32Array.BYTES_PER_ELEMENT;

  readonly #low: Int32Array;
  readonly #high: Int32Array;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(LatencyHistogram.bytes), offset = 0) {
    this.#low = new Int32Array(buffer, offset, cells);
    this.#high = new Int32Array(buffer, offset + LatencyHistogram.bytes / 2, cells);
  }

  /** What is negative counts as 0, as two clocks may give it; what is longer than an hour and eleven minutes as that. */
  recordMs(ms: number): void {
    const micros = ms > 0 ? Math.min(Math.floor(ms * 1000), microsMax) : 0;
    this.#add(bucketOf(micros), 1);
    this.#add(sumCell, micros);
  }

  snapshot(): HistogramSnapshot {
    const buckets: [number, number][] = [];
    let count = 0;
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      const counted = this.#read(bucket);
      if (counted === 0) continue;
      count += counted;
      buckets.push([endOf(bucket), counted]);
    }
    return { count, sumUs: this.#read(sumCell), buckets };
  }

  #add(cell: number, amount: number): void {
    const before = Atomics.add(this.#low, cell, amount | 0) >>> 0;
    if (before + amount > 0xffff_ffff) Atomics.add(this.#high, cell, 1);
  }

  /** Between the two halves of an addition a count is off by 2³²; that is read once in four thousand million times, if at all. */
  #read(cell: number): number {
    const high = Atomics.load(this.#high, cell) >>> 0;
    return high * 2 ** 32 + (Atomics.load(this.#low, cell) >>> 0);
  }
}

function bucketOf(micros: number): number {
  if (micros < subBuckets) return micros;
  const shift = 31 - Math.clz32(micros) - subBucketBits;
  return (shift << subBucketBits) + (micros >>> shift);
}

/** The first microsecond behind the bucket. */
function endOf(bucket: number): number {
  if (bucket < subBuckets) return bucket + 1;
  const shift = (bucket >> subBucketBits) - 1;
  return (subBuckets + (bucket & (subBuckets - 1)) + 1) * 2 ** shift;
}

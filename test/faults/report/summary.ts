import { nearestRank } from '../../../base/nearest-rank.ts';
import { distributionOf } from '../../../bench/core/distribution.ts';
import { type Check, isSound } from '../judge/check.ts';
import type { Failover } from '../judge/failovers.ts';
import type { SeenFault } from '../judge/faults.ts';
import type { JudgedRun } from '../judge/judge-run.ts';

interface Gaps {
  readonly median: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** A run in numbers. */
export interface RunSummary {
  readonly isSound: boolean;
  readonly seconds: number;
  readonly operations: { readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly failovers: number;
  readonly writeGapMs: Gaps;
  /** Of those failovers only during which a majority could have served. */
  readonly failoversOfMajority: number;
  readonly writeGapOfMajorityMs: Gaps;
  readonly anomalies: number;
}

export function summaryOf(run: JudgedRun): RunSummary {
  const count = (outcome: 'ok' | 'fail' | 'info'): number =>
    run.operations.reduce((sum, operation) => sum + Number(operation.outcome === outcome), 0);
  const ofMajority = run.failovers.filter(({ isMajorityWhole }) => isMajorityWhole);
  const faults = Map.groupBy(run.faults, ({ name }) => name);
  return {
    isSound: isSound(run.checks),
    seconds: run.stoppedMs / 1000,
    operations: { ok: count('ok'), failed: count('fail'), unknown: count('info') },
    faultsByKind: Object.fromEntries([...faults].sort().map(([name, all]) => [name, all.length])),
    failovers: run.failovers.length,
    writeGapMs: gapsOf(run.failovers),
    failoversOfMajority: ofMajority.length,
    writeGapOfMajorityMs: gapsOf(ofMajority),
    anomalies: run.checks.reduce((sum, { anomalies }) => sum + anomalies.length, 0),
  };
}

function gapsOf(failovers: readonly Failover[]): Gaps {
  const gaps = distributionOf(failovers.map(({ writeGapMs }) => writeGapMs));
  return {
    median: nearestRank(gaps, 0.5),
    p99: nearestRank(gaps, 0.99),
    max: nearestRank(gaps, 1),
  };
}

/** The faults of each nemesis together: how many, and of which variants. */
export function faultsByNemesis(
  faults: readonly SeenFault[],
): readonly { name: string; count: number; variants: string }[] {
  return [...Map.groupBy(faults, ({ kind }) => kind)].sort().map(([kind, all]) => {
    const variants = Map.groupBy(all, ({ name }) => name.slice(kind.length).trim());
    const texts = [...variants].sort().map(([name, { length }]) => `${name} ${length}`.trim());
    return { name: kind, count: all.length, variants: texts.join(', ') };
  });
}

/** `median 311 ms, p99 17 s, max 33 s`. */
export function gapsText({ median, p99, max }: Gaps): string {
  return `median ${durationText(median)}, p99 ${durationText(p99)}, max ${durationText(max)}`;
}

/** How a check ended, in a word. */
export function outcomeWord({ outcome }: Check): string {
  return outcome === 'held' ? 'ok' : outcome === 'violated' ? 'VIOLATED' : 'undecided';
}

/** `250 ms`, `1.4 s`. */
export function durationText(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** `0:05`, `1:02:03`. */
export function clockText(ms: number): string {
  const total = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [
    Math.floor(total / 3600),
    Math.floor(total / 60) % 60,
    total % 60,
  ];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

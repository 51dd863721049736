import { Gauge, Histogram, type Registry } from 'prom-client';
import { countBelow, type HistogramSnapshot } from '../base/histogram-snapshot.ts';
import { commitStages, type LatencyReport } from './latency-report.ts';

type Exposed = Awaited<ReturnType<Gauge['get']>>;
type Value = Exposed['values'][number] & { readonly metricName: string };
type Labels = Readonly<Record<string, string>>;

/** 64 µs to 67 s, twice as long each; the histograms behind them have a bucket that ends at each of these. */
const boundsUs: readonly number[] = Array.from({ length: 21 }, (_, power) => 64 * 2 ** power);

/**
 * A Prometheus histogram that counts nothing itself: it shows what was counted elsewhere, at each scrape. `Histogram` of the library can
 * only be given one duration after the other, so this is its simplest metric with other lines.
 */
class ShownHistogram extends Gauge {
  readonly #about: { readonly name: string; readonly help: string };
  readonly #read: () => readonly (readonly [Labels, HistogramSnapshot])[];

  constructor(
    about: { readonly name: string; readonly help: string },
    read: () => readonly (readonly [Labels, HistogramSnapshot])[],
  ) {
    super({ ...about, registers: [] });
    this.#about = about;
    this.#read = read;
  }

  override async get(): Promise<Exposed> {
    const { name, help } = this.#about;
    const empty = await new Histogram({ name, help, registers: [] }).get();
    const values = this.#read().flatMap(([labels, snapshot]) => this.#lines(labels, snapshot));
    return { ...empty, values };
  }

  #lines(labels: Labels, snapshot: HistogramSnapshot): Value[] {
    const { name } = this.#about;
    const buckets = boundsUs.map((us) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: us / 1e6 },
      value: countBelow(snapshot, us),
    }));
    return [
      ...buckets,
      {
        metricName: `${name}_bucket`,
        labels: { ...labels, le: '+Inf' },
        value: snapshot.count,
      },
      { metricName: `${name}_sum`, labels: { ...labels }, value: snapshot.sumUs / 1e6 },
      { metricName: `${name}_count`, labels: { ...labels }, value: snapshot.count },
    ];
  }
}

/** The stages of a commit, and the writes of this node's log. */
export function registerLatencyMetrics(registry: Registry, report: () => LatencyReport): void {
  registry.registerMetric(
    new ShownHistogram(
      {
        name: 'binraft_commit_stage_seconds',
        help: 'Where the time of a commit went, on the primary; see binraft latency.',
      },
      () => {
        const { stages } = report();
        return commitStages.map((stage) => [{ stage }, stages[stage]]);
      },
    ),
  );
  registry.registerMetric(
    new ShownHistogram(
      {
        name: 'binraft_log_write_seconds',
        help: 'Writes of entries to the log of this node, each with its sync.',
      },
      () => [[{}, report().logWrite]],
    ),
  );
}

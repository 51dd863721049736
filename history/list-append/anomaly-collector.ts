import type { Anomaly } from '../verdict.ts';
import { type AnomalyName, anomalyNames } from './consistency.ts';

interface Found {
  count: number;
  size: number;
  build: () => Anomaly;
}

/** Counts anomalies by name and keeps the smallest of each, the earlier of equals. Only what is kept is put into words. */
export class AnomalyCollector {
  readonly #found = new Map<AnomalyName, Found>();

  /** `size`: how much one must read to see it. */
  note(name: AnomalyName, size: number, build: () => Anomaly): void {
    const found = this.#found.get(name);
    if (found === undefined) {
      this.#found.set(name, { count: 1, size, build });
      return;
    }
    found.count += 1;
    if (size >= found.size) return;
    found.size = size;
    found.build = build;
  }

  get isEmpty(): boolean {
    return this.#found.size === 0;
  }

  /** The smallest of each name, the worst name first. */
  anomalies(): Anomaly[] {
    return anomalyNames.flatMap((name) => {
      const found = this.#found.get(name);
      return found === undefined ? [] : [found.build()];
    });
  }

  counts(): Map<AnomalyName, number> {
    return new Map(
      anomalyNames.flatMap((name) => {
        const found = this.#found.get(name);
        return found === undefined ? [] : [[name, found.count] as const];
      }),
    );
  }
}

import type { LoadCounts, LoadSite, WorkloadName } from './workload.ts';

/** What a client process is told when it starts. */
export interface ClientConfig {
  readonly site: LoadSite;
  /** What it runs, with the rate of each in this process and in all together. */
  readonly workloads: readonly WorkloadShare[];
  readonly seed: number;
  readonly client: number;
  /** How many processes with this number there were before. */
  readonly life: number;
  readonly originNanos: string;
  readonly logFile: string;
  readonly plannedMs: number;
}

export interface WorkloadShare {
  readonly name: WorkloadName;
  readonly ratePerSecond: number;
  readonly totalPerSecond: number;
}

export type ToClient =
  | { readonly kind: 'start'; readonly config: ClientConfig }
  | { readonly kind: 'stop' };

/** All that ended in this life so far. */
export interface FromClient {
  readonly counts: LoadCounts;
}

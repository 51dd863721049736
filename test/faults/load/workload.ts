// What the runner of fault tests needs to know of the load: which workloads there are, how a load is started, and what it leaves.

export const workloadNames = [
  'register',
  'list-append',
  'list-append-rr',
  'bank',
  'set',
  'prefix',
  'ddl',
  'accounts',
  'large',
  'unknown',
] as const;
export type WorkloadName = (typeof workloadNames)[number];

/** One node as its clients see it. `directory` is where its server's root account can be used from, for what no app may do. */
export interface LoadNode {
  readonly id: string;
  readonly host: string;
  readonly readWritePort: number;
  readonly readOnlyPort: number;
  readonly directory: string;
}

export interface LoadSite {
  readonly nodes: readonly LoadNode[];
  readonly appUser: string;
  readonly appPassword: string;
}

export interface LoadOptions {
  readonly workloads: readonly WorkloadName[];
  /** Operations per second of all workloads and client processes together. */
  readonly ratePerSecond: number;
  readonly seed: number;
  /** A folder that exists; histories are left in it. */
  readonly out: string;
  /** How long the load is meant to run, to spread what is expensive; it runs until it is stopped. */
  readonly plannedMs: number;
  /** Gives up making tables and waiting for the first operations. */
  readonly signal?: AbortSignal;
}

/** Operations that ended so far. */
export interface LoadCounts {
  readonly ok: number;
  /** Of these, acknowledged changes. */
  readonly writes: number;
  readonly failed: number;
  /** Nobody was told whether they happened. */
  readonly unknown: number;
}

/** The operations of one checker, as a file of JSON lines that `binraft check-history` reads as well. */
export interface RecordedStream {
  readonly workload: WorkloadName;
  readonly stream: string;
  readonly file: string;
}

/** What a load leaves behind. */
export interface RecordedLoad {
  readonly streams: readonly RecordedStream[];
  /** Every operation of every workload, by time. */
  readonly jsonLinesFile: string;
  readonly ednFile: string;
  /** `performance.now()` of the runner at time 0 of the histories. */
  readonly originMs: number;
  /** When the clients were told to stop; nanoseconds since the origin. Final reads come later. */
  readonly stoppedNanos: number;
  readonly counts: LoadCounts;
  /** What went wrong with the clients themselves, in words; empty after a sound run. */
  readonly problems: readonly string[];
}

/** Something done to the cluster, to be shown among the operations: `atMs` is `performance.now()` of the runner. */
export interface NemesisNote {
  readonly atMs: number;
  readonly nemesis: string;
  readonly phase: 'begin' | 'end';
  readonly detail: string;
}

export interface RunningLoad extends AsyncDisposable {
  counts(): LoadCounts;
  /** Ends the clients; the cluster must be whole again. */
  quiesce(): Promise<void>;
  /** Also reads what is there in the end, and merges the histories. */
  stop(notes?: readonly NemesisNote[]): Promise<RecordedLoad>;
}

/** Makes the tables, then starts the client processes. `startLoad` of `start-load.ts` is the one there is. */
export type StartLoad = (site: LoadSite, options: LoadOptions) => Promise<RunningLoad>;

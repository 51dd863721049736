import type { Random } from '../../../base/random.ts';
import type { FaultSite } from '../site.ts';

/** What was seen of a fault, at its begin or its end. */
export interface Observation {
  /** `performance.now()`: when it was ordered. */
  readonly atMs: number;
  /** Whom it hit, and how that was seen. */
  readonly detail: string;
  readonly confirmed: boolean;
}

/** A fault that has begun. */
export interface StruckFault extends Observation {
  readonly isMajorityWhole: boolean;
  /** Ends it and answers once its end was seen, or was not for too long. To be called exactly once. */
  end(): Promise<Observation>;
}

/** Where and with what luck a fault strikes. */
export interface Strike {
  readonly site: FaultSite;
  readonly variant: string;
  /** Seeded by the plan: chooses among nodes. */
  readonly random: Random;
  /** Aborts when the fault shall end: what repeats itself stops then. */
  readonly over: AbortSignal;
}

/** One kind of fault. */
export interface Nemesis {
  /** Rejects only when nothing was changed. */
  strike(strike: Strike): Promise<StruckFault>;
}

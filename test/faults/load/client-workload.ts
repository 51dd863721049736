import type { Random } from '../../../base/random.ts';
import type { JsonValue } from './operation-log.ts';
import type { Recorded } from './recorder.ts';
import type { SqlSession } from './sql-session.ts';
import type { WorkloadName } from './workload.ts';

/** The schema of all workloads. */
export const faultsDatabase = 'faults';

/** An account that may change schemas and other accounts, which the account of apps may not. */
export const changer = { user: 'faults_changer', password: 'changes-accounts' } as const;

/** What one session of a workload has to work with. */
export interface SessionContext {
  readonly session: SqlSession;
  readonly random: Random;
  /** Since the load began, on the clock that all client processes share. */
  elapsedSeconds(): number;
  /** No two calls of a run give the same number, in whatever process. */
  uniqueNumber(): number;
  /** Of its workload, all client processes together. */
  readonly ratePerSecond: number;
  readonly plannedSeconds: number;
  /** One operation, written down before and after. */
  record(asked: {
    readonly stream: string;
    readonly f: string;
    readonly input: JsonValue;
    attempt(): Promise<JsonValue>;
  }): Promise<Recorded>;
}

/** One operation after the other. */
export type Step = () => Promise<void>;

export interface SessionKind {
  /** In each client process. */
  readonly count: number;
  readonly port: 'read-write' | 'read-only';
  readonly account: 'app' | 'changer';
  readonly setup: readonly string[];
  /** Longer than a failover takes, shorter than what a person would wait. */
  readonly statementTimeoutMs: number;
  /** A new process number with each connection. */
  readonly isProcessPerConnection: boolean;
  begin(context: SessionContext): Step;
}

export interface ClientWorkload {
  readonly name: WorkloadName;
  /** What its checker can bear, or the machine; operations per second. */
  readonly rateMax: number;
  /** Run in order on a new schema, before any client starts. */
  readonly schema: readonly string[];
  readonly sessions: readonly SessionKind[];
  /** Its clients are killed on purpose, so they have a process of their own. */
  readonly isDoomed: boolean;
  /** Reads what must be there in the end. Each answer must be an `ok`; it is asked again until it is. */
  final(context: SessionContext): readonly (() => Promise<Recorded>)[];
}

const defaultStatementTimeoutMs = 20_000;

/** A session on the read-write port, as the account of apps. */
export function readWriteSession(
  kind: Pick<SessionKind, 'begin'> & Partial<SessionKind>,
): SessionKind {
  return {
    count: 2,
    port: 'read-write',
    account: 'app',
    setup: [],
    statementTimeoutMs: defaultStatementTimeoutMs,
    isProcessPerConnection: false,
    ...kind,
  };
}

export function readOnlySession(
  kind: Pick<SessionKind, 'begin'> & Partial<SessionKind>,
): SessionKind {
  return readWriteSession({ ...kind, port: 'read-only', count: kind.count ?? 1 });
}

/** Keys that are in use for some seconds and never again, so that no checker meets a register with a long history. */
export function currentKey(
  context: Pick<SessionContext, 'random' | 'elapsedSeconds'>,
  keys: { readonly count: number; readonly seconds: number },
): number {
  const generation = Math.floor(context.elapsedSeconds() / keys.seconds);
  return generation * keys.count + context.random.below(0, keys.count);
}

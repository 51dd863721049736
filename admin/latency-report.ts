import type { HistogramSnapshot } from '../base/histogram-snapshot.ts';
import type { UnreachableMember } from './node-status.ts';

/** The way of a commit on the primary, in order; `propose-to-durable` passes beside `propose-to-quorum`, which alone is waited for. */
export const commitStages = [
  'binlog-to-bridge',
  'propose-to-durable',
  'propose-to-quorum',
  'quorum-to-ack',
  'ack-to-client',
] as const;

export type CommitStage = (typeof commitStages)[number];

/**
 * What `GET /latency` answers: every duration counted since the process began, so that the difference of two answers is what passed
 * between them. Stable: fields are only added.
 */
export interface LatencyReport {
  readonly node: string;
  /** With `uptimeMs`, tells one life of the process from the next, whose counts begin at 0. */
  readonly pid: number;
  readonly uptimeMs: number;
  readonly role: string;
  readonly term: number;
  /** Of transactions that committed while this node was the primary. */
  readonly stages: Readonly<Record<CommitStage, HistogramSnapshot>>;
  /** Writes of entries to the log of this node, leader or not, each with its sync; one may hold many commits. */
  readonly logWrite: HistogramSnapshot;
}

/** What `GET /cluster/latency` answers: every member, asked by the node that was asked. */
export interface ClusterLatency {
  readonly askedNode: string;
  readonly nodes: readonly MemberLatency[];
}

export type MemberLatency =
  | { readonly kind: 'reached'; readonly id: string; readonly report: LatencyReport }
  | UnreachableMember;

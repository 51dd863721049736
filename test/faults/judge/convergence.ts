import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from '../../../admin/node-status.ts';
import { messageOf } from '../../../base/errors.ts';
import { statusDifferences } from '../../kill/verify.ts';
import { isSettled } from '../../support/binraft-cluster.ts';
import { type Check, simpleCheck } from './check.ts';
import { contentDifferences, contentsOf } from './node-contents.ts';

/** What a node says of itself; null when it gives no answer. */
export type AskStatus = (node: string) => Promise<NodeStatus | null>;

export interface ConvergenceInput {
  readonly nodes: readonly { readonly id: string; readonly directory: string }[];
  readonly ask: AskStatus;
  /** Since all faults were healed and nobody writes any more. */
  readonly withinMs: number;
}

const everyMs = 250;
/** No fault but one after which a server is built anew leaves so many entries to apply: the load makes a hundred in a second. */
const replayedMin = 10_000;
/** A million entries, on a machine that does little else. */
const replayMsMax = 900_000;

/**
 * All nodes are whole and equal within the time: roles, log and hash, `gtid_executed`, and what is in their servers. A server that was
 * built anew near the end has the whole log to apply first; how long that took is told beside it.
 */
export async function checkConvergence(input: ConvergenceInput): Promise<Check> {
  const replay = await replaysEnded(input);
  const begunMs = performance.now();
  const deadlineMs = begunMs + input.withinMs;
  let reasons: readonly string[] = ['nothing was asked'];
  let statuses: readonly NodeStatus[] = [];
  while (performance.now() < deadlineMs) {
    statuses = await askAll(input);
    reasons = unsettledReasons(input.nodes.length, statuses);
    if (reasons.length === 0) break;
    await delay(everyMs);
  }
  const tookMs = performance.now() - begunMs;
  const violations = reasons.length > 0 ? reasons : await differencesOf(input, statuses);
  return simpleCheck({
    group: 'convergence',
    name: 'all nodes equal',
    summary: `${input.nodes.length} nodes settled after ${seconds(tookMs)}${replayText(replay)}`,
    violations,
    counts: { milliseconds: Math.round(tookMs) },
  });
}

/** Servers that had the whole log to apply again, and until when the last of them did. */
export interface Replay {
  readonly ids: readonly string[];
  readonly tookMs: number;
}

/** Settles when no server is far behind any more, or for too long. */
export async function replaysEnded(
  input: Pick<ConvergenceInput, 'nodes' | 'ask'>,
): Promise<Replay> {
  const begunMs = performance.now();
  const ids = new Set<string>();
  const tookMs = (): number => performance.now() - begunMs;
  while (tookMs() < replayMsMax) {
    const replaying = (await askAll(input)).filter(
      ({ mysql }) => mysql.entriesBehind >= replayedMin,
    );
    if (replaying.length === 0) break;
    for (const { node } of replaying) ids.add(node);
    await delay(everyMs);
  }
  return { ids: [...ids].toSorted(), tookMs: tookMs() };
}

function replayText({ ids, tookMs }: Replay): string {
  if (ids.length === 0) return '';
  return `, behind ${seconds(tookMs)} in which ${ids.join(' and ')}, built anew, applied the log`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function askAll({
  nodes,
  ask,
}: Pick<ConvergenceInput, 'nodes' | 'ask'>): Promise<readonly NodeStatus[]> {
  const answers = await Promise.all(nodes.map(({ id }) => ask(id).catch(() => null)));
  return answers.filter((answer) => answer !== null);
}

function unsettledReasons(nodeCount: number, statuses: readonly NodeStatus[]): readonly string[] {
  if (statuses.length < nodeCount) {
    return [`only ${statuses.length} of ${nodeCount} nodes answer`];
  }
  const [first] = statuses;
  const differences =
    first === undefined ? [] : statuses.flatMap((one) => statusDifferences(first, one));
  if (isSettled(statuses) && differences.length === 0) return [];
  const roles = statuses.map(
    ({ node, raft, mysql }) =>
      `${node} is ${mysql.role} (${mysql.reason}) in term ${raft.term}, applied ${mysql.appliedIndex} of ${raft.commitIndex}`,
  );
  return [...roles, ...differences];
}

async function differencesOf(
  { nodes }: ConvergenceInput,
  statuses: readonly NodeStatus[],
): Promise<readonly string[]> {
  const complaints = statuses.flatMap(({ node, mysql }) =>
    mysql.complaints.map((complaint) => `${node} complains: ${complaint}`),
  );
  try {
    const [first, ...others] = await Promise.all(
      nodes.map(async (node) => ({ id: node.id, contents: await contentsOf(node) })),
    );
    if (first === undefined) return ['there are no nodes'];
    return [...complaints, ...others.flatMap((other) => contentDifferences(first, other))];
  } catch (thrown) {
    return [...complaints, `the contents of a node could not be read: ${messageOf(thrown)}`];
  }
}

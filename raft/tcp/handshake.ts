import { isAddress, type MemberAddress } from '../core/membership.ts';
import { isNodeId, type NodeId, nodeId } from '../core/types.ts';
import { helloBytesMax } from './limits.ts';
import { wireVersion } from './wire-codec.ts';
import { packValues, type TupleReader, unpackValues, WireFault } from './wire-values.ts';

/** First field of a hello, so that a stranger is told apart from a binraft node of another version. */
const magic = 'binraft';
const helloValuesMax = 16;

/** What both sides must agree on before any message passes (HAZARDS I12, R3). */
export interface Cluster {
  readonly clusterId: string;
  /** Of the settings that must be equal on all nodes. */
  readonly fingerprint: string;
  /**
   * Of the members the cluster began with; empty at a node that waits to be added, and once another configuration is in the log. Two
   * nodes that would begin with different members must never make each other a majority.
   */
  readonly initialMembers: string;
}

/** First frame of a stream: who calls, whom it means to call, and from which cluster. */
export interface Hello extends Cluster {
  readonly wireVersion: number;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Where the caller can be called: the other side may not know it yet. */
  readonly address: MemberAddress | null;
}

export type RefusalReason =
  | 'malformed'
  | 'wire-version'
  | 'cluster-id'
  | 'config-fingerprint'
  | 'initial-members'
  | 'wrong-node';

export type HelloAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string };

export function encodeHello(hello: Hello): Uint8Array {
  const { clusterId, fingerprint, initialMembers, from, to, address } = hello;
  return packValues([
    ...[magic, hello.wireVersion, clusterId, fingerprint, initialMembers, from, to],
    ...[address?.host ?? '', address?.port ?? 0],
  ]);
}

export type HelloVerdict =
  | { readonly kind: 'accepted'; readonly from: NodeId; readonly address: MemberAddress | null }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly detail: string };

/**
 * Judges the first frame of a stream at the side that was called. Whoever belongs to the cluster is let in, member or not: it may have
 * become one by a configuration that is not here yet.
 */
export function judgeHello(
  bytes: Uint8Array,
  here: Cluster & { readonly self: NodeId },
): HelloVerdict {
  if (bytes.length > helloBytesMax) return refused('malformed', `${bytes.length} bytes`);
  try {
    return judge(unpackValues(bytes, { valuesMax: helloValuesMax }), here);
  } catch (error) {
    if (error instanceof WireFault) return refused('malformed', error.message);
    throw error;
  }
}

function judge(tuple: TupleReader, here: Cluster & { readonly self: NodeId }): HelloVerdict {
  if (tuple.text() !== magic) return refused('malformed', 'no hello of a binraft node');
  const version = tuple.natural();
  // A later version may have more fields: nothing behind it is looked at.
  if (version !== wireVersion) {
    return refused(
      'wire-version',
      `${version} called ${wireVersion}: run one release on all nodes`,
    );
  }
  const clusterId = tuple.text();
  if (clusterId !== here.clusterId) {
    return refused('cluster-id', `${clusterId} called ${here.clusterId}: check the addresses`);
  }
  if (tuple.text() !== here.fingerprint) {
    return refused('config-fingerprint', 'make the cluster settings equal on all nodes');
  }
  const initialMembers = tuple.text();
  const from = tuple.text();
  const to = tuple.text();
  const address = { host: tuple.text(), port: tuple.natural() };
  tuple.end();
  const areBothNew = initialMembers !== '' && here.initialMembers !== '';
  if (areBothNew && initialMembers !== here.initialMembers) {
    return refused('initial-members', 'let the cluster begin with the same members on all nodes');
  }
  if (to !== here.self) {
    return refused('wrong-node', `${to} was called and ${here.self} answers: check the addresses`);
  }
  if (!isNodeId(from)) return refused('malformed', 'the name of the caller');
  if (from === here.self) return refused('wrong-node', `${from} is the name of both sides`);
  return { kind: 'accepted', from: nodeId(from), address: isAddress(address) ? address : null };
}

function refused(reason: RefusalReason, detail: string): HelloVerdict {
  return { kind: 'refused', reason, detail };
}

export function encodeAnswer(answer: HelloAnswer): Uint8Array {
  return answer.kind === 'accepted'
    ? packValues([true])
    : packValues([false, answer.reason, answer.detail]);
}

/** What the called side answered; anything unexpected counts as a refusal. */
export function decodeAnswer(bytes: Uint8Array): HelloAnswer {
  if (bytes.length > helloBytesMax) return { ...malformedAnswer, detail: `${bytes.length} bytes` };
  try {
    const tuple = unpackValues(bytes, { valuesMax: helloValuesMax });
    if (tuple.boolean()) return { kind: 'accepted' };
    return { kind: 'refused', reason: tuple.text(), detail: tuple.text() };
  } catch (error) {
    if (error instanceof WireFault) return { ...malformedAnswer, detail: error.message };
    throw error;
  }
}

const malformedAnswer = { kind: 'refused', reason: 'malformed' } as const;

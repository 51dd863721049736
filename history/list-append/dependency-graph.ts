import { assert } from '../../base/assert.ts';
import { byteAt, IntList, intAt, itemAt } from './numbers.ts';

/**
 * Why one transaction comes before another (Adya 1999; Elle):
 *
 * - `ww`: the second appended next to what the first had appended;
 * - `wr`: the second read what the first had appended last;
 * - `rw`: the second appended what the first had read too early to see (an anti-dependency);
 * - `realtime`: the first had ended before the second began;
 * - `via`: no dependency, but a way through a node that stands for many edges. Only such nodes have edges of this kind.
 */
export const edgeKinds = ['ww', 'wr', 'rw', 'realtime', 'via'] as const;
export type EdgeKindName = (typeof edgeKinds)[number];

export const ww: number = 0;
export const wr: number = 1;
export const rw: number = 2;
export const realtime: number = 3;
export const via: number = 4;

/** Sets of edge kinds, as bits. */
export function kindSet(...kinds: readonly number[]): number {
  return kinds.reduce((set, kind) => set | (1 << kind), 0);
}

export function kindName(kind: number): EdgeKindName {
  return itemAt(edgeKinds, kind);
}

/**
 * A directed graph in rows: the edges of node n are `starts[n]` up to `starts[n + 1]`. Nodes below `realCount` are transactions;
 * the others stand for "whoever read this" or "all that ended by then", so that n × m edges become n + m.
 */
export interface Graph {
  readonly nodeCount: number;
  readonly realCount: number;
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  readonly kinds: Uint8Array;
  /** What an explanation needs: the number of an append; or `-1 - key` where the edge leads to a node that stands for many. */
  readonly labels: Int32Array;
}

/** Collects edges in any order. */
export class GraphBuilder {
  readonly #realCount: number;
  #nodeCount: number;
  readonly #from = new IntList();
  readonly #to = new IntList();
  readonly #kind = new IntList();
  readonly #label = new IntList();

  constructor(realCount: number) {
    this.#realCount = realCount;
    this.#nodeCount = realCount;
  }

  get edgeCount(): number {
    return this.#from.length;
  }

  addNode(): number {
    this.#nodeCount += 1;
    return this.#nodeCount - 1;
  }

  addEdge(from: number, to: number, kind: number, label: number): void {
    assert(from !== to, 'no transaction depends on itself');
    this.#from.push(from);
    this.#to.push(to);
    this.#kind.push(kind);
    this.#label.push(label);
  }

  build(): Graph {
    const starts = new Int32Array(this.#nodeCount + 1);
    const edgeCount = this.#from.length;
    for (const from of this.#from.view()) starts[from + 1] = intAt(starts, from + 1) + 1;
    for (let node = 0; node < this.#nodeCount; node += 1) {
      starts[node + 1] = intAt(starts, node) + intAt(starts, node + 1);
    }
    const next = starts.slice();
    const targets = new Int32Array(edgeCount);
    const kinds = new Uint8Array(edgeCount);
    const labels = new Int32Array(edgeCount);
    for (let edge = 0; edge < edgeCount; edge += 1) {
      const from = this.#from.at(edge);
      const place = intAt(next, from);
      next[from] = place + 1;
      targets[place] = this.#to.at(edge);
      kinds[place] = this.#kind.at(edge);
      labels[place] = this.#label.at(edge);
    }
    return {
      nodeCount: this.#nodeCount,
      realCount: this.#realCount,
      starts,
      targets,
      kinds,
      labels,
    };
  }
}

/** The node an edge starts at, by halving. */
export function sourceOf(graph: Graph, edge: number): number {
  let low = 0;
  let high = graph.nodeCount;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (intAt(graph.starts, middle) <= edge) low = middle;
    else high = middle;
  }
  return low;
}

/** Calls back for every edge whose kind is in the set. */
export function forEachEdge(
  graph: Graph,
  kinds: number,
  visit: (from: number, to: number, edge: number) => void,
): void {
  for (let from = 0; from < graph.nodeCount; from += 1) {
    const end = intAt(graph.starts, from + 1);
    for (let edge = intAt(graph.starts, from); edge < end; edge += 1) {
      if (((kinds >> byteAt(graph.kinds, edge)) & 1) === 1) {
        visit(from, intAt(graph.targets, edge), edge);
      }
    }
  }
}

import type { Graph } from './dependency-graph.ts';
import { byteAt, IntList, intAt } from './numbers.ts';

/** The strongly connected components of a graph: two nodes are in the same one if each can be reached from the other. */
export interface Components {
  readonly count: number;
  /** By node. */
  readonly of: Int32Array;
  /** By component: how many nodes it has. A component of one node has no cycle, for no node has an edge to itself. */
  readonly sizes: Int32Array;
}

/** Looks only at edges of the given kinds. Tarjan 1972, with a stack of its own: a history is deeper than the engine's. */
export function findComponents(graph: Graph, kinds: number): Components {
  const tarjan = new Tarjan(graph, kinds);
  for (let root = 0; root < graph.nodeCount; root += 1) tarjan.explore(root);
  return tarjan.finish();
}

class Tarjan {
  readonly #graph: Graph;
  readonly #kinds: number;
  /** By node: when it was found, from 1; 0 before. */
  readonly #found: Int32Array;
  /** By node: the earliest found node on the stack that it is known to reach. */
  readonly #low: Int32Array;
  /** By node: the next of its edges to follow. */
  readonly #nextEdge: Int32Array;
  readonly #componentOf: Int32Array;
  /** Nodes found whose component is not complete. */
  readonly #open = new IntList();
  /** Nodes on the way from the root to where the search stands. */
  readonly #path = new IntList();
  readonly #sizes = new IntList();
  #foundCount = 0;

  constructor(graph: Graph, kinds: number) {
    this.#graph = graph;
    this.#kinds = kinds;
    this.#found = new Int32Array(graph.nodeCount);
    this.#low = new Int32Array(graph.nodeCount);
    this.#nextEdge = graph.starts.slice();
    this.#componentOf = new Int32Array(graph.nodeCount).fill(-1);
  }

  explore(root: number): void {
    if (intAt(this.#found, root) !== 0) return;
    this.#enter(root);
    while (this.#path.length > 0) {
      const node = this.#path.at(this.#path.length - 1);
      const next = this.#step(node);
      if (next >= 0) this.#enter(next);
      else this.#leave(node);
    }
  }

  finish(): Components {
    return {
      count: this.#sizes.length,
      of: this.#componentOf,
      sizes: this.#sizes.view(),
    };
  }

  #enter(node: number): void {
    this.#foundCount += 1;
    this.#found[node] = this.#foundCount;
    this.#low[node] = this.#foundCount;
    this.#open.push(node);
    this.#path.push(node);
  }

  /** Follows edges until one leads to a node not found yet; -1 when none is left. */
  #step(node: number): number {
    const { starts, targets, kinds } = this.#graph;
    const end = intAt(starts, node + 1);
    for (let edge = intAt(this.#nextEdge, node); edge < end; edge += 1) {
      if (((this.#kinds >> byteAt(kinds, edge)) & 1) === 0) continue;
      const target = intAt(targets, edge);
      const found = intAt(this.#found, target);
      if (found === 0) {
        this.#nextEdge[node] = edge + 1;
        return target;
      }
      if (intAt(this.#componentOf, target) < 0) this.#lower(node, found);
    }
    this.#nextEdge[node] = end;
    return -1;
  }

  #leave(node: number): void {
    this.#path.pop();
    const low = intAt(this.#low, node);
    if (this.#path.length > 0) this.#lower(this.#path.at(this.#path.length - 1), low);
    if (low !== intAt(this.#found, node)) return;
    const component = this.#sizes.length;
    let size = 0;
    let member = -1;
    while (member !== node) {
      member = this.#open.pop();
      this.#componentOf[member] = component;
      size += 1;
    }
    this.#sizes.push(size);
  }

  #lower(node: number, found: number): void {
    if (found < intAt(this.#low, node)) this.#low[node] = found;
  }
}

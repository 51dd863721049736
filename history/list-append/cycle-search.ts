import { type Graph, sourceOf, via } from './dependency-graph.ts';
import { byteAt, IntList, intAt, itemAt } from './numbers.ts';

/** One dependency of a cycle, between transactions: ways through nodes that stand for many edges are shortened. */
export interface CycleStep {
  readonly from: number;
  readonly to: number;
  readonly kind: number;
  readonly label: number;
}

/** Each step begins where the one before it ends, and the first where the last one ends. */
export type Cycle = readonly CycleStep[];

/**
 * Which cycles are searched for: an edge of one kind, and a way back that a small automaton allows. `next[state * 5 + kind]` is the
 * state after an edge of that kind, -1 if the edge is not allowed there.
 */
export interface WayBack {
  readonly next: Int8Array;
  readonly stateCount: number;
  readonly start: number;
  /** States, as bits, in which the way back may end. */
  readonly accepts: number;
  /** Whether it may come by where it began in a state in which it may not end. */
  readonly passesHome: boolean;
}

const kindCount = 5;

/** Rows by state, columns `ww wr rw realtime`; a `via` edge is no step and changes nothing. */
export function wayBack(
  rows: readonly (readonly [number, number, number, number])[],
  start: number,
  accepts: number,
): WayBack {
  const next = Int8Array.from(rows.flatMap((row, state) => [...row, state]));
  return { next, stateCount: rows.length, start, accepts, passesHome: false };
}

/** Shortest ways back, by breadth, in a graph of which one knows that it has cycles. */
export class CycleSearch {
  readonly #graph: Graph;
  /** By node and state: in which search and how far from its start it was reached, and how. */
  readonly #searchOf: Int32Array;
  readonly #distance: Int32Array;
  readonly #fromState: Int32Array;
  readonly #byEdge: Int32Array;
  #here = new IntList();
  #further = new IntList();
  #searchNumber = 0;
  #stepsLeft = 0;

  constructor(graph: Graph, stateCountMax: number) {
    this.#graph = graph;
    const size = graph.nodeCount * stateCountMax;
    this.#searchOf = new Int32Array(size);
    this.#distance = new Int32Array(size);
    this.#fromState = new Int32Array(size);
    this.#byEdge = new Int32Array(size);
  }

  /** How many edges may still be looked at. */
  get stepsLeft(): number {
    return this.#stepsLeft;
  }

  allow(steps: number): void {
    this.#stepsLeft = steps;
  }

  /** The shortest cycle that begins with this edge and has at most `lengthMax` steps; null if there is none or steps ran out. */
  shortest(edge: number, way: WayBack, lengthMax: number): Cycle | null {
    const home = sourceOf(this.#graph, edge);
    this.#begin(edge, way);
    for (let distance = 1; this.#here.length > 0; distance += 1) {
      const end = this.#explore(home, way, { distance, mayGoFurther: distance < lengthMax });
      if (end >= 0) return this.#cycleTo(end, way);
      if (this.#stepsLeft <= 0) return null;
      this.#here.clear();
      [this.#here, this.#further] = [this.#further, this.#here];
    }
    return null;
  }

  /** Follows the edges of all that is this far from the start; returns where the way back ends, or -1. */
  #explore(
    home: number,
    way: WayBack,
    { distance, mayGoFurther }: { readonly distance: number; readonly mayGoFurther: boolean },
  ): number {
    // Grows while it is read: `via` edges lead to more at the same distance.
    for (let place = 0; place < this.#here.length && this.#stepsLeft > 0; place += 1) {
      const reached = this.#here.at(place);
      if (intAt(this.#distance, reached) !== distance) continue;
      const isHome = Math.floor(reached / way.stateCount) === home;
      if (isHome && mayEnd(way, reached)) return reached;
      if (!isHome || way.passesHome) this.#follow(reached, way, mayGoFurther);
    }
    return -1;
  }

  #begin(edge: number, way: WayBack): void {
    this.#searchNumber += 1;
    this.#here.clear();
    this.#further.clear();
    const first = intAt(this.#graph.targets, edge) * way.stateCount + way.start;
    this.#reach(first, { distance: 1, fromState: -1, edge });
    this.#here.push(first);
  }

  #follow(reached: number, way: WayBack, mayGoFurther: boolean): void {
    const { starts, targets, kinds } = this.#graph;
    const node = Math.floor(reached / way.stateCount);
    const state = reached % way.stateCount;
    const distance = intAt(this.#distance, reached);
    const end = intAt(starts, node + 1);
    this.#stepsLeft -= end - intAt(starts, node) + 1;
    for (let edge = intAt(starts, node); edge < end; edge += 1) {
      const kind = byteAt(kinds, edge);
      const next = way.next[state * kindCount + kind] ?? -1;
      if (next < 0 || (kind !== via && !mayGoFurther)) continue;
      const target = intAt(targets, edge) * way.stateCount + next;
      const length = kind === via ? distance : distance + 1;
      if (!this.#isNearer(target, length)) continue;
      this.#reach(target, { distance: length, fromState: reached, edge });
      (kind === via ? this.#here : this.#further).push(target);
    }
  }

  #isNearer(target: number, distance: number): boolean {
    return (
      intAt(this.#searchOf, target) !== this.#searchNumber ||
      distance < intAt(this.#distance, target)
    );
  }

  #reach(
    target: number,
    how: { readonly distance: number; readonly fromState: number; readonly edge: number },
  ): void {
    this.#searchOf[target] = this.#searchNumber;
    this.#distance[target] = how.distance;
    this.#fromState[target] = how.fromState;
    this.#byEdge[target] = how.edge;
  }

  #cycleTo(last: number, way: WayBack): Cycle {
    const edges: number[] = [];
    for (let reached = last; reached >= 0; reached = intAt(this.#fromState, reached)) {
      edges.push(intAt(this.#byEdge, reached));
    }
    edges.reverse();
    const { kinds, targets, labels, realCount } = this.#graph;
    const steps: CycleStep[] = [];
    let from = Math.floor(last / way.stateCount);
    let opening = itemAt(edges, 0);
    for (const edge of edges) {
      if (byteAt(kinds, edge) !== via) opening = edge;
      const to = intAt(targets, edge);
      if (to >= realCount) continue;
      steps.push({ from, to, kind: byteAt(kinds, opening), label: intAt(labels, opening) });
      from = to;
    }
    return steps;
  }
}

function mayEnd(way: WayBack, reached: number): boolean {
  return ((way.accepts >> (reached % way.stateCount)) & 1) === 1;
}

/** Whether no transaction occurs in it twice. */
export function isSimple(cycle: Cycle): boolean {
  return new Set(cycle.map(({ from }) => from)).size === cycle.length;
}

/**
 * A part of a closed walk, itself closed, in which no transaction occurs twice. Where one does, the walk is two in one; `isAllowed` must
 * hold for one of any such two if it holds for the whole, and then holds for the result.
 */
export function simplify(walk: Cycle, isAllowed: (part: Cycle) => boolean): Cycle {
  let whole = walk;
  for (let loop = firstLoop(whole); loop !== null; loop = firstLoop(whole)) {
    const inner = whole.slice(loop.start, loop.end);
    const outer = [...whole.slice(0, loop.start), ...whole.slice(loop.end)];
    whole = isAllowed(inner) ? inner : outer;
  }
  return whole;
}

function firstLoop(walk: Cycle): { readonly start: number; readonly end: number } | null {
  const placeOf = new Map<number, number>();
  for (const [end, { from }] of walk.entries()) {
    const start = placeOf.get(from);
    if (start !== undefined) return { start, end };
    placeOf.set(from, end);
  }
  return null;
}

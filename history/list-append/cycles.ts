import { type Components, findComponents } from './components.ts';
import type { ConsistencyRules } from './consistency.ts';
import { anyApartWay, anyWay, type CycleKind, cycleKinds, nameOfCycle } from './cycle-kinds.ts';
import { type Cycle, CycleSearch, isSimple, simplify } from './cycle-search.ts';
import { forEachEdge, type Graph, kindSet, realtime, rw, via, wr, ww } from './dependency-graph.ts';
import { byteAt, intAt } from './numbers.ts';
import { apartGraph, type Core, cyclicCore } from './subgraph.ts';

const statesMax = 4;

/**
 * Finds the cycles that the rules forbid, and calls back with them in the numbers of the given graph. For each component that has any:
 * the worst kind of `ww` and `wr` alone, and the worst kind with `rw`.
 *
 * Whether there is a forbidden cycle at all is decided always, in time linear in the graph. Which kinds there are, and that the
 * shortest of a kind is shown, takes searches: each kind gets `stepsMax`. Returns how many kinds ran out.
 */
export function findCycles(options: {
  readonly graph: Graph;
  readonly rules: ConsistencyRules;
  readonly stepsMax: number;
  readonly onCycle: (cycle: Cycle) => void;
}): number {
  const { graph, rules, stepsMax, onCycle } = options;
  const edges = edgesOf(rules);
  const core = cyclicCore(graph, findComponents(graph, edges), edges);
  if (core.graph.nodeCount === 0) return 0;
  const finder = new CycleFinder(core, rules, onCycle);
  return finder.find(stepsMax);
}

function edgesOf(rules: ConsistencyRules): number {
  const anti = rules.antiDependencies === 'none' ? 0 : kindSet(rw);
  return kindSet(ww, wr, via) | anti | (rules.realTime ? kindSet(realtime) : 0);
}

class CycleFinder {
  readonly #core: Core;
  readonly #rules: ConsistencyRules;
  readonly #onCycle: (cycle: Cycle) => void;
  readonly #search: CycleSearch;
  readonly #componentsOf = new Map<number, Components>();
  readonly #apartComponentsOf = new Map<number, Components>();
  #foundCount = 0;

  constructor(core: Core, rules: ConsistencyRules, onCycle: (cycle: Cycle) => void) {
    this.#core = core;
    this.#rules = rules;
    this.#onCycle = onCycle;
    this.#search = new CycleSearch(core.graph, statesMax);
  }

  find(stepsMax: number): number {
    let exhaustedCount = 0;
    // A component that shows a cycle needs no weaker one, nor one that takes the clock to see: they come with it.
    const appends = new Set<number>();
    const misses = new Set<number>();
    for (const kind of cycleKinds(false)) {
      if (!this.#isForbidden(kind)) continue;
      const shown = kind.firstEdge === rw ? misses : appends;
      if (!this.#findKind(kind, stepsMax, [shown])) exhaustedCount += 1;
    }
    for (const kind of this.#rules.realTime ? cycleKinds(true) : []) {
      const isExhausted = !this.#findKind(
        kind,
        stepsMax,
        kind.firstEdge === rw ? [misses, appends] : [appends, misses],
      );
      if (isExhausted) exhaustedCount += 1;
    }
    if (this.#foundCount === 0) this.#showAny();
    return exhaustedCount;
  }

  #isForbidden(kind: CycleKind): boolean {
    if (kind.firstEdge !== rw) return true;
    const { antiDependencies } = this.#rules;
    return antiDependencies === 'any' || (antiDependencies === 'apart' && kind.isApart);
  }

  /**
   * Shows a shortest cycle of a kind in each component that has one and has none in the first set yet; adds its nodes to all sets.
   * Returns whether the steps sufficed.
   */
  #findKind(
    kind: CycleKind,
    stepsMax: number,
    shown: readonly [Set<number>, ...Set<number>[]],
  ): boolean {
    const components = this.#components(kind.edges);
    const settled = new Set([...shown[0]].map((node) => intAt(components.of, node)));
    this.#search.allow(stepsMax);
    let shortestLength = Number.MAX_SAFE_INTEGER;
    for (const edges of this.#firstEdges(kind, components, settled)) {
      const cycle = this.#shortestOf(edges, kind, shortestLength);
      if (cycle === null) continue;
      shortestLength = Math.min(shortestLength, cycle.length);
      for (const { from } of cycle) for (const nodes of shown) nodes.add(from);
      this.#show(cycle);
    }
    return this.#search.stepsLeft > 0;
  }

  /** The shortest of one component, or the first found if another component has a shorter one. */
  #shortestOf(edges: readonly number[], kind: CycleKind, shortestElsewhere: number): Cycle | null {
    let found: Cycle | null = null;
    for (const edge of edges) {
      if (this.#search.stepsLeft <= 0) break;
      const lengthMax =
        found === null ? Number.MAX_SAFE_INTEGER : Math.min(found.length, shortestElsewhere) - 1;
      if (lengthMax < 2) break;
      const cycle = this.#search.shortest(edge, kind.way, lengthMax);
      if (cycle !== null && isSimple(cycle)) found = cycle;
    }
    return found;
  }

  /** Edges that a cycle of this kind can begin with, by component, small components first: their cycles are short. */
  #firstEdges(
    kind: CycleKind,
    components: Components,
    settled: ReadonlySet<number>,
  ): readonly (readonly number[])[] {
    const apart = kind.isApart ? this.#apartComponents(kind.edges) : null;
    const ofComponent = new Map<number, number[]>();
    forEachEdge(this.#core.graph, kindSet(kind.firstEdge), (from, to, edge) => {
      const component = intAt(components.of, from);
      if (component !== intAt(components.of, to) || settled.has(component)) return;
      if (apart !== null && intAt(apart.of, from * 2) !== intAt(apart.of, to * 2 + 1)) return;
      const edges = ofComponent.get(component);
      if (edges === undefined) ofComponent.set(component, [edge]);
      else edges.push(edge);
    });
    return [...ofComponent]
      .sort(([one], [other]) => intAt(components.sizes, one) - intAt(components.sizes, other))
      .map(([, edges]) => edges);
  }

  /** Steps ran out before any cycle was found: takes one edge that is on a forbidden cycle for certain, and follows it home. */
  #showAny(): void {
    const edges = edgesOf(this.#rules);
    const { graph } = this.#core;
    const isApart = this.#rules.antiDependencies === 'apart';
    const components = isApart ? this.#apartComponents(edges) : this.#components(edges);
    let found = -1;
    forEachEdge(graph, edges & ~kindSet(via), (from, to, edge) => {
      if (found >= 0) return;
      const isAntiDependency = byteAt(graph.kinds, edge) === rw;
      const start = isApart ? from * 2 : from;
      const end = isApart ? to * 2 + (isAntiDependency ? 1 : 0) : to;
      if (intAt(components.of, start) === intAt(components.of, end)) found = edge;
    });
    if (found < 0) return;
    const way = isApart ? anyApartWay(edges, byteAt(graph.kinds, found)) : anyWay(edges);
    this.#search.allow(Number.MAX_SAFE_INTEGER);
    const cycle = this.#search.shortest(found, way, Number.MAX_SAFE_INTEGER);
    if (cycle !== null)
      this.#show(isApart ? simplify(cycle, (part) => nameOfCycle(part) !== 'G2-item') : cycle);
  }

  #show(cycle: Cycle): void {
    this.#foundCount += 1;
    const { original } = this.#core;
    this.#onCycle(
      cycle.map((step) => ({
        ...step,
        from: intAt(original, step.from),
        to: intAt(original, step.to),
      })),
    );
  }

  #components(edges: number): Components {
    return remember(this.#componentsOf, edges, () => findComponents(this.#core.graph, edges));
  }

  #apartComponents(edges: number): Components {
    return remember(this.#apartComponentsOf, edges, () =>
      findComponents(apartGraph(this.#core.graph, edges), edges),
    );
  }
}

function remember<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  const before = known.get(key);
  if (before !== undefined) return before;
  const value = make();
  known.set(key, value);
  return value;
}

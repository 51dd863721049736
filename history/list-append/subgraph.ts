import type { Components } from './components.ts';
import { forEachEdge, type Graph, GraphBuilder, rw, via } from './dependency-graph.ts';
import { IntList, intAt } from './numbers.ts';

/** The part of a graph in which cycles can be. */
export interface Core {
  readonly graph: Graph;
  /** By node of the core: its number in the whole graph. */
  readonly original: Int32Array;
}

/** Keeps the nodes of components that have cycles, and the edges inside them: in a sound history, nothing. */
export function cyclicCore(graph: Graph, components: Components, kinds: number): Core {
  const original = new IntList();
  const numberOf = new Int32Array(graph.nodeCount).fill(-1);
  let realCount = 0;
  for (let node = 0; node < graph.nodeCount; node += 1) {
    if (intAt(components.sizes, intAt(components.of, node)) < 2) continue;
    numberOf[node] = original.length;
    original.push(node);
    if (node < graph.realCount) realCount += 1;
  }
  const builder = new GraphBuilder(realCount);
  for (let node = realCount; node < original.length; node += 1) builder.addNode();
  forEachEdge(graph, kinds, (from, to, edge) => {
    if (intAt(components.of, from) !== intAt(components.of, to)) return;
    const start = intAt(numberOf, from);
    if (start >= 0) {
      builder.addEdge(
        start,
        intAt(numberOf, to),
        graph.kinds[edge] ?? via,
        intAt(graph.labels, edge),
      );
    }
  });
  return { graph: builder.build(), original: original.view() };
}

/**
 * The graph whose cycles are the cycles of the given one in which no two `rw` edges stand side by side. Node 2n is node n reached
 * by another edge than `rw`, node 2n + 1 is node n reached by an `rw` edge, which has no `rw` edges out. A `via` edge is no edge of
 * its own: it leads on under the kind by which its node was reached.
 */
export function apartGraph(graph: Graph, kinds: number): Graph {
  const builder = new GraphBuilder(graph.nodeCount * 2);
  forEachEdge(graph, kinds, (from, to, edge) => {
    const kind = graph.kinds[edge] ?? via;
    const label = intAt(graph.labels, edge);
    if (kind === rw) {
      builder.addEdge(from * 2, to * 2 + 1, rw, label);
      return;
    }
    builder.addEdge(from * 2, to * 2, kind, label);
    builder.addEdge(from * 2 + 1, kind === via ? to * 2 + 1 : to * 2, kind, label);
  });
  return builder.build();
}

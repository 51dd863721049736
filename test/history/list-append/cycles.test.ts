import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConsistencyRules } from '../../../history/list-append/consistency.ts';
import { nameOfCycle } from '../../../history/list-append/cycle-kinds.ts';
import { type Cycle, isSimple } from '../../../history/list-append/cycle-search.ts';
import { findCycles } from '../../../history/list-append/cycles.ts';
import { addDependencies } from '../../../history/list-append/dependencies.ts';
import {
  type Graph,
  GraphBuilder,
  kindName,
  realtime,
  rw,
  via,
  wr,
  ww,
} from '../../../history/list-append/dependency-graph.ts';
import { addRealTime } from '../../../history/list-append/real-time.ts';
import { readTransactions } from '../../../history/list-append/transactions.ts';
import { findVersions } from '../../../history/list-append/versions.ts';
import { concurrent } from './support.ts';

type Edge = readonly [from: number, to: number, kind: number];

const nodeCount = 6;
const edgesArbitrary: fc.Arbitrary<readonly Edge[]> = fc
  .array(
    fc.tuple(
      fc.nat(nodeCount - 1),
      fc.nat(nodeCount - 1),
      fc.constantFrom(ww, wr, rw, rw, realtime),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((edges) => edges.filter(([from, to]) => from !== to));

/** Strict serializable, without the promise that edges of real time make no cycle of their own. */
const allRules: ConsistencyRules = { antiDependencies: 'any', stableReads: true, realTime: true };

function graphOf(edges: readonly Edge[]): Graph {
  const builder = new GraphBuilder(nodeCount);
  for (const [from, to, kind] of edges) builder.addEdge(from, to, kind, 0);
  return builder.build();
}

function cyclesFound(graph: Graph, rules: ConsistencyRules, stepsMax: number): Cycle[] {
  const found: Cycle[] = [];
  findCycles({ graph, rules, stepsMax, onCycle: (cycle) => found.push(cycle) });
  return found;
}

/** Every simple cycle of a small graph, each once. */
function simpleCycles(edges: readonly Edge[]): Cycle[] {
  const found: Cycle[] = [];
  const walk = (path: readonly Edge[]): void => {
    const home = path[0]?.[0] ?? -1;
    const here = path.at(-1)?.[1] ?? -1;
    if (here === home) {
      found.push(path.map(([from, to, kind]) => ({ from, to, kind, label: 0 })));
      return;
    }
    // A cycle is told from its smallest node, so that it is told once.
    if (here < home || path.slice(1).some(([from]) => from === here)) return;
    for (const edge of edges) if (edge[0] === here) walk([...path, edge]);
  };
  for (const edge of edges) walk([edge]);
  return found;
}

/** The order in which kinds are searched for. Of the first two rows a component shows the first it has. */
const severity = [
  ['G0', 'G1c'],
  ['G-single', 'G-nonadjacent', 'G2-item'],
];

function dropRealTimeCycles(edges: readonly Edge[]): readonly Edge[] {
  return edges.map(([from, to, kind]) =>
    kind === realtime && from > to ? [to, from, kind] : [from, to, kind],
  );
}

test('of each row of kinds the worst there is is found, and the shortest of it', () => {
  fc.assert(
    fc.property(edgesArbitrary.map(dropRealTimeCycles), (edges) => {
      const all = simpleCycles(edges);
      const found = cyclesFound(graphOf(edges), allRules, 1_000_000);
      for (const cycle of found) expect(isSimple(cycle)).toBe(true);
      for (const row of severity) {
        const worst = row.find((name) => all.some((cycle) => nameOfCycle(cycle) === name));
        const foundWorst = row.find((name) => found.some((cycle) => nameOfCycle(cycle) === name));
        expect(foundWorst).toBe(worst);
        expect(shortest(found, worst)).toBe(shortest(all, worst));
      }
      if (found.length === 0) expect(all).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

function shortest(cycles: readonly Cycle[], name: string | undefined): number {
  const lengths = cycles.filter((cycle) => nameOfCycle(cycle) === name).map(({ length }) => length);
  return Math.min(...lengths);
}

test('a node that stands for many edges takes no step', () => {
  const builder = new GraphBuilder(nodeCount);
  const hub = builder.addNode();
  for (const [from, to, kind] of [
    [0, 1, rw],
    [1, 2, rw],
    [2, 3, wr],
    [2, hub, rw],
    [3, 4, wr],
    [hub, 4, via],
    [4, 0, wr],
  ] as const) {
    builder.addEdge(from, to, kind, 0);
  }
  const found = cyclesFound(builder.build(), allRules, 1000);
  expect(found.map((cycle) => cycle.map(({ from }) => from))).toEqual([[0, 1, 2, 4]]);
});

test('snapshot isolation sees a cycle exactly if there is one without two rw side by side', () => {
  const rules: ConsistencyRules = { antiDependencies: 'apart', stableReads: true, realTime: false };
  const seen = { none: 0, some: 0 };
  fc.assert(
    fc.property(edgesArbitrary, fc.constantFrom(0, 1_000_000), (edges, stepsMax) => {
      const data = edges.filter(([, , kind]) => kind !== realtime);
      const names = simpleCycles(data).map(nameOfCycle);
      const isForbidden = names.some((name) => name !== 'G2-item');
      const found = cyclesFound(graphOf(data), rules, stepsMax);
      expect(found.length > 0).toBe(isForbidden);
      expect(found.map(nameOfCycle)).not.toContain('G2-item');
      seen[isForbidden ? 'some' : 'none'] += 1;
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(seen.none, seen.some)).toBeGreaterThan(100);
});

test('a cycle is shown even if no step of a search is allowed', () => {
  fc.assert(
    fc.property(edgesArbitrary, (edges) => {
      const found = cyclesFound(graphOf(edges), allRules, 0);
      expect(found.length > 0).toBe(simpleCycles(edges).length > 0);
      for (const cycle of found) {
        for (const [place, step] of cycle.entries()) {
          expect(cycle[(place + 1) % cycle.length]?.from).toBe(step.to);
          expect(edges).toContainEqual([step.from, step.to, step.kind]);
        }
      }
    }),
    { numRuns: 500 },
  );
});

/** What the nodes that stand for many edges stand for: `from kind to`, sorted. */
function writtenOut(graph: Graph): string[] {
  const pairs = new Set<string>();
  const follow = (start: number, kind: number, node: number): void => {
    if (node < graph.realCount) {
      pairs.add(`${start} ${kindName(kind)} ${node}`);
      return;
    }
    for (let edge = graph.starts[node] ?? 0; edge < (graph.starts[node + 1] ?? 0); edge += 1) {
      expect(graph.kinds[edge]).toBe(via);
      follow(start, kind, graph.targets[edge] ?? 0);
    }
  };
  for (let node = 0; node < graph.realCount; node += 1) {
    for (let edge = graph.starts[node] ?? 0; edge < (graph.starts[node + 1] ?? 0); edge += 1) {
      follow(node, graph.kinds[edge] ?? via, graph.targets[edge] ?? 0);
    }
  }
  return [...pairs].sort();
}

test('readers of the last version come before everyone whose append no read shows, but not before themselves', () => {
  const kinds = ['rx', 'ax', 'rx ax'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 9 }), (told) => {
      const operations = concurrent(
        ...told.map((steps, place) => steps.replace('ax', `ax${place}`)),
      );
      const transactions = readTransactions(operations);
      const builder = new GraphBuilder(operations.length);
      addDependencies(transactions, findVersions(transactions), builder);
      const expected = told.flatMap((one, from) =>
        told.flatMap((other, to) =>
          from !== to && one.includes('r') && other.includes('a') ? [`${from} rw ${to}`] : [],
        ),
      );
      expect(writtenOut(builder.build())).toEqual(expected.sort());
    }),
    { numRuns: 300 },
  );
});

test('time orders exactly the transactions of which one ended before the other began', () => {
  const span = fc.tuple(fc.nat(20), fc.nat(10), fc.constantFrom('ok', 'ok', 'info', 'fail'));
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 12 }), (spans) => {
      const operations = concurrent(
        ...spans
          .toSorted(([one], [other]) => one - other)
          .map(([from, length, outcome], place) => ({
            steps: 'rx',
            outcome: outcome as 'ok' | 'info' | 'fail',
            from: from * 100 + place,
            to: (from + length) * 100 + 50 + place,
          })),
      );
      const transactions = readTransactions(operations);
      const versions = { ...findVersions(transactions), happened: happenedUnlessFailed() };
      const builder = new GraphBuilder(operations.length);
      addRealTime(transactions, versions, builder);
      const expected = operations.flatMap((one, from) =>
        operations.flatMap((other, to) =>
          one.outcome === 'ok' && other.outcome !== 'fail' && one.endAt < other.callAt
            ? [`${from} realtime ${to}`]
            : [],
        ),
      );
      expect(writtenOut(builder.build())).toEqual(expected.sort());
      expect(builder.edgeCount).toBeLessThanOrEqual(3 * operations.length);

      function happenedUnlessFailed(): Uint8Array {
        return Uint8Array.from(operations.map(({ outcome }) => (outcome === 'fail' ? 0 : 1)));
      }
    }),
    { numRuns: 300 },
  );
});

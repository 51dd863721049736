import { type Cycle, type WayBack, wayBack } from './cycle-search.ts';
import { kindSet, realtime, rw, via, wr, ww } from './dependency-graph.ts';

/** A kind of cycle that the literature has a name for, and how to find the shortest. */
export interface CycleKind {
  readonly name: DataCycleName;
  readonly firstEdge: number;
  readonly way: WayBack;
  /** Kinds of edges it is made of. */
  readonly edges: number;
  /** No two `rw` edges stand side by side. */
  readonly isApart: boolean;
}

type DataCycleName = 'G0' | 'G1c' | 'G-single' | 'G-nonadjacent' | 'G2-item';
export type CycleName = DataCycleName | `${DataCycleName}-realtime`;

/**
 * - G0: `ww` only. G1c: `ww` and `wr`, at least one `wr`. (Adya 1999, PL-2)
 * - G-single: exactly one `rw` (Adya, PL-2+). G-nonadjacent: several, no two side by side (Elle; Cerone & Gotsman 2016).
 * - G2-item: `rw` edges side by side (Adya, PL-2.99).
 *
 * With `hasRealTime`, edges of real time may stand wherever a `ww` may.
 */
export function cycleKinds(hasRealTime: boolean): readonly CycleKind[] {
  const time = (state: number): number => (hasRealTime ? state : -1);
  const extra = kindSet(via) | (hasRealTime ? kindSet(realtime) : 0);
  const onward: readonly [number, number, number, number] = [0, 0, -1, time(0)];
  return [
    {
      name: 'G0',
      firstEdge: ww,
      way: wayBack([[0, -1, -1, time(0)]], 0, 0b1),
      edges: kindSet(ww) | extra,
      isApart: false,
    },
    {
      name: 'G1c',
      firstEdge: wr,
      way: wayBack([onward], 0, 0b1),
      edges: kindSet(ww, wr) | extra,
      isApart: false,
    },
    {
      name: 'G-single',
      firstEdge: rw,
      way: wayBack([onward], 0, 0b1),
      edges: kindSet(ww, wr, rw) | extra,
      isApart: true,
    },
    {
      name: 'G-nonadjacent',
      firstEdge: rw,
      way: apartWay(time),
      edges: kindSet(ww, wr, rw) | extra,
      isApart: true,
    },
    {
      name: 'G2-item',
      firstEdge: rw,
      // The pair that stands side by side begins the cycle; what follows is free.
      way: wayBack(
        [
          [-1, -1, 1, -1],
          [1, 1, 1, time(1)],
        ],
        0,
        0b10,
      ),
      edges: kindSet(ww, wr, rw) | extra,
      isApart: false,
    },
  ];
}

/** States: after an `rw`, after another edge; then the same once a second `rw` was met. It began with an `rw`, so it may not end in one. */
function apartWay(time: (state: number) => number): WayBack {
  return wayBack(
    [
      [1, 1, -1, time(1)],
      [1, 1, 2, time(1)],
      [3, 3, -1, time(3)],
      [3, 3, 2, time(3)],
    ],
    0,
    0b1000,
  );
}

/** Any way back at all along the given kinds of edges, to have one cycle to show. */
export function anyWay(edges: number): WayBack {
  const allow = (kind: number): number => (((edges >> kind) & 1) === 1 ? 0 : -1);
  return wayBack([[allow(ww), allow(wr), allow(rw), allow(realtime)]], 0, 0b1);
}

/** Any way back in which no two `rw` stand side by side, counting the edge it begins with. */
export function anyApartWay(edges: number, firstEdge: number): WayBack {
  const allow = (kind: number, state: number): number => (((edges >> kind) & 1) === 1 ? state : -1);
  const others = [allow(ww, 1), allow(wr, 1)] as const;
  const isAfterRw = firstEdge === rw;
  const way = wayBack(
    [
      [...others, -1, allow(realtime, 1)],
      [...others, allow(rw, 0), allow(realtime, 1)],
    ],
    isAfterRw ? 0 : 1,
    isAfterRw ? 0b10 : 0b11,
  );
  // It may have to come home by an `rw` and leave again by another edge.
  return { ...way, passesHome: true };
}

/** What the literature calls a cycle of this shape. */
export function nameOfCycle(cycle: Cycle): CycleName {
  const kinds = cycle.map(({ kind }) => kind);
  const name = nameOfData(kinds);
  return kinds.includes(realtime) ? `${name}-realtime` : name;
}

function nameOfData(kinds: readonly number[]): DataCycleName {
  const rwCount = kinds.filter((kind) => kind === rw).length;
  if (rwCount === 0) return kinds.includes(wr) ? 'G1c' : 'G0';
  if (rwCount === 1) return 'G-single';
  const isAdjacent = kinds.some((kind, place) => kind === rw && kinds.at(place - 1) === rw);
  return isAdjacent ? 'G2-item' : 'G-nonadjacent';
}

import type { FaultEvent } from '../site.ts';

/** A fault from its beginning to its end; times in milliseconds since the origin of the histories. */
export interface SeenFault {
  readonly fault: number;
  /** The nemesis, and the name with what of it. */
  readonly kind: string;
  readonly name: string;
  readonly detail: string;
  readonly beginMs: number;
  /** Null when nobody saw it end. */
  readonly endMs: number | null;
  readonly isMajorityWhole: boolean;
  /** What was scheduled and could not be seen to have happened. */
  readonly unconfirmed: readonly string[];
}

/** Begins with their ends, by beginning. An end without a beginning is a fault of its own that nobody saw begin. */
export function faultsOf(events: readonly FaultEvent[], originMs: number): readonly SeenFault[] {
  const groups = Map.groupBy(events, ({ fault }) => fault);
  return [...groups.values()]
    .flatMap((group) => {
      const begin = group.find(({ phase }) => phase === 'begin');
      const end = group.find(({ phase }) => phase === 'end');
      const first = begin ?? end;
      if (first === undefined) return [];
      const { fault, nemesis, variant, detail } = first;
      const name = variant === '' ? nemesis : `${nemesis} ${variant}`;
      const missing = begin === undefined ? ['its beginning was not seen'] : [];
      const unconfirmed = group.flatMap((event) =>
        event.confirmed ? [] : [`${event.phase} not confirmed: ${event.detail}`],
      );
      return [
        {
          fault,
          kind: nemesis,
          name,
          detail,
          beginMs: first.atMs - originMs,
          endMs: end === undefined ? null : end.atMs - originMs,
          isMajorityWhole: first.isMajorityWhole,
          unconfirmed: [...missing, ...unconfirmed],
        },
      ];
    })
    .sort((one, other) => one.beginMs - other.beginMs);
}

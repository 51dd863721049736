import type { Random } from '../../../base/random.ts';
import type { Operation, Outcome } from '../../../history/history.ts';
import { operationsOf, type Sketch } from './build.ts';

export interface ConcurrentRegisterOptions {
  readonly clients: number;
  readonly operations: number;
  /** Values are drawn from 1 to this; unique ones are written when it is 0. */
  readonly values: number;
  /** One operation in so many ends in `info`, and its client goes on under another name; 0 for none. */
  readonly timeoutEvery: number;
}

interface Running {
  readonly process: number;
  readonly sketch: Omit<Sketch, 'at'>;
  readonly callAt: number;
  /** What it saw when it took effect; undefined before that. */
  effect: { readonly output: number | null; readonly outcome: Outcome } | undefined;
}

/** A history of clients that are all busy all the time, of a register that does each operation at one moment between call and end. */
export function concurrentRegister(
  random: Random,
  options: ConcurrentRegisterOptions,
): Operation[] {
  let state: number | null = null;
  let place = 0;
  let written = 0;
  let process = 0;
  const draw = (): number => {
    written += 1;
    return options.values === 0 ? written : 1 + random.below(0, options.values);
  };
  const begin = (): Running => {
    const kind = random.below(0, options.values === 0 ? 2 : 3);
    place += 1;
    process += 1;
    const common = { process, callAt: place, effect: undefined };
    if (kind === 0) return { ...common, sketch: { f: 'read' } };
    if (kind === 1) return { ...common, sketch: { f: 'write', input: draw() } };
    return { ...common, sketch: { f: 'cas', input: [draw(), draw()] } };
  };
  const apply = (running: Running): void => {
    const { f, input } = running.sketch;
    if (f === 'read') running.effect = { output: state, outcome: 'ok' };
    else if (f === 'write') state = Number(input);
    else if (Array.isArray(input) && input[0] !== state) {
      running.effect = { output: null, outcome: 'fail' };
    } else if (Array.isArray(input)) state = Number(input[1]);
    running.effect ??= { output: null, outcome: 'ok' };
  };
  const sketches: Sketch[] = [];
  const busy = Array.from({ length: options.clients }, begin);
  while (sketches.length < options.operations) {
    const client = random.below(0, busy.length);
    const one = busy[client];
    if (one === undefined) break;
    if (one.effect === undefined && random.below(0, 2) === 0) {
      apply(one);
      continue;
    }
    const isLost = options.timeoutEvery > 0 && random.below(0, options.timeoutEvery) === 0;
    if (one.effect === undefined && !isLost) apply(one);
    const { output, outcome } = one.effect ?? { output: null, outcome: 'info' };
    place += 1;
    const { process: name, callAt, sketch } = one;
    const end = isLost
      ? { outcome: 'info' as const, at: [callAt] as const }
      : { output, outcome, at: [callAt, place] as const };
    sketches.push({ ...sketch, process: name, ...end });
    busy[client] = begin();
  }
  const open = busy.map(({ process: name, callAt, sketch }) => {
    return { ...sketch, process: name, outcome: 'info' as const, at: [callAt] as const };
  });
  return operationsOf([...sketches, ...open]);
}

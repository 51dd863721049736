import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, isArray, type ValueKey, valueKey } from '../values.ts';

/** How far one lane was, as a read saw it, and its newest elements, ascending by position. */
export interface LaneState {
  readonly lane: HistoryValue;
  readonly length: number;
  readonly tail: readonly PlacedElement[];
}

export interface PlacedElement {
  readonly position: number;
  readonly element: HistoryValue;
}

export interface LanesRead {
  readonly read: Operation;
  readonly lanes: ReadonlyMap<ValueKey, LaneState>;
}

export interface Append {
  readonly operation: Operation;
  readonly lane: HistoryValue;
  readonly element: HistoryValue;
  /** Null unless it was acknowledged. */
  readonly position: number | null;
}

/** `[[lane length [[position element] …]] …]`. */
export function lanesOf(read: Operation): LanesRead {
  const refuse = (): never => {
    const seen = formatValue(read.output, 80);
    throw new HistoryOperationError(
      read,
      `a read of lanes gives [[lane length [[position element] ...]] ...], not ${seen}`,
    );
  };
  const { output } = read;
  if (!isArray(output)) return refuse();
  const lanes = new Map<ValueKey, LaneState>();
  for (const state of output) {
    if (!isArray(state) || state.length !== 3) return refuse();
    const [lane = null, length = null, tail = null] = state;
    if (!isPosition(length) || !isArray(tail)) return refuse();
    lanes.set(valueKey(lane), { lane, length, tail: tail.map((one) => placed(one) ?? refuse()) });
  }
  return { read, lanes };
}

/** Asked as `[lane element]`, answered as `[lane element position]`. */
export function appendOf(operation: Operation): Append {
  const { input, output, outcome } = operation;
  const refuse = (): never => {
    throw new HistoryOperationError(
      operation,
      `an append is asked as [lane element] and answered as [lane element position], not ${formatValue(input, 60)} and ${formatValue(output, 60)}`,
    );
  };
  if (!isArray(input) || input.length !== 2) return refuse();
  const [lane = null, element = null] = input;
  if (outcome !== 'ok') return { operation, lane, element, position: null };
  if (!isArray(output) || output.length !== 3) return refuse();
  const position = output[2] ?? null;
  return isPosition(position) ? { operation, lane, element, position } : refuse();
}

function placed(value: HistoryValue): PlacedElement | null {
  if (!isArray(value) || value.length !== 2) return null;
  const [position = null, element = null] = value;
  return isPosition(position) ? { position, element } : null;
}

function isPosition(value: HistoryValue): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

import { Packr } from 'msgpackr';
import { messageOf } from '../../base/errors.ts';
import { type ShapeLimits, shapeFault } from './wire-shape.ts';

/** Arrays of plain values only: no records, no extensions, so that the bytes mean the same to every decoder. */
const packr = new Packr({ useRecords: false });

/** A peer sent bytes that mean nothing here. Caught at the boundary of each decoder and turned into a value. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
}

export function packValues(values: readonly unknown[]): Uint8Array {
  return packr.pack(values);
}

export function unpackValues(bytes: Uint8Array, limits: ShapeLimits): TupleReader {
  const fault = shapeFault(bytes, limits);
  if (fault !== null) throw new WireFault(fault);
  return new TupleReader(unpack(bytes));
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw new WireFault(messageOf(error), { cause: error });
  }
}

/** Takes the fields of a tuple in order, each checked for its type and range. */
export class TupleReader {
  readonly #fields: readonly unknown[];
  #next = 0;

  constructor(value: unknown) {
    if (!Array.isArray(value)) throw new WireFault('a tuple is no array');
    this.#fields = value;
  }

  get left(): number {
    return this.#fields.length - this.#next;
  }

  /** A whole number from 0 that a double holds exactly. */
  natural(): number {
    const value = this.#take();
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new WireFault(`field ${this.#next - 1} is no natural number`);
    }
    return value;
  }

  boolean(): boolean {
    const value = this.#take();
    if (typeof value !== 'boolean') throw new WireFault(`field ${this.#next - 1} is no boolean`);
    return value;
  }

  text(): string {
    const value = this.#take();
    if (typeof value !== 'string') throw new WireFault(`field ${this.#next - 1} is no text`);
    return value;
  }

  /** Bytes as a view on the received frame. */
  bytes(): Uint8Array {
    const value = this.#take();
    if (!(value instanceof Uint8Array)) throw new WireFault(`field ${this.#next - 1} is no bytes`);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  /** Whether nil comes next; it is then taken. */
  isNil(): boolean {
    if (this.left === 0 || this.#fields[this.#next] !== null) return false;
    this.#next += 1;
    return true;
  }

  tuple(): TupleReader {
    return new TupleReader(this.#take());
  }

  /** Nothing may be left: a longer tuple is of another wire version. */
  end(): void {
    if (this.left > 0) throw new WireFault(`${this.left} fields too many`);
  }

  #take(): unknown {
    if (this.left === 0) throw new WireFault(`field ${this.#next} is missing`);
    const value = this.#fields[this.#next];
    this.#next += 1;
    return value;
  }
}

/** Gives equal values the same small number. Equal is what has the same key, the whole key: there are no collisions. */
export class Interner<Value> {
  readonly #keyOf: (value: Value) => string;
  readonly #ids = new Map<string, number>();
  readonly #values: Value[] = [];

  constructor(keyOf: (value: Value) => string) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#values.length;
  }

  get values(): readonly Value[] {
    return this.#values;
  }

  idOf(value: Value): number {
    const key = this.#keyOf(value);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#values.length;
    this.#ids.set(key, id);
    this.#values.push(value);
    return id;
  }

  at(id: number): Value {
    const value = this.#values[id];
    if (value === undefined) throw new RangeError(`there is no value ${id}`);
    return value;
  }
}

const entriesMax = 1_000_000;

/** Remembers answers that can be computed again; forgets all of them when there are too many. */
export class Memo<Key, Value> {
  readonly #answers = new Map<Key, Value>();

  of(key: Key, compute: () => Value): Value {
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = compute();
    if (this.#answers.size >= entriesMax) this.#answers.clear();
    this.#answers.set(key, answer);
    return answer;
  }
}

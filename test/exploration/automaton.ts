import type { Fields, LoadedCore } from './core-loader.ts';

/** What a step of a core did: the state it is in now, and its orders. */
export interface Transition<Effect> {
  readonly next: number;
  readonly effects: readonly Effect[];
}

interface Steppable<Input, Effect> {
  step(input: Input): readonly Effect[];
}

/**
 * A core as the finite automaton it is: states are numbers, a step of each is computed once by the real code and remembered.
 * Two states are one if their private fields are equal after `normalise`, which may only forget what no later step can show.
 */
export class Automaton<Input extends object, Effect> {
  readonly #core: LoadedCore<Steppable<Input, Effect>>;
  readonly #createWith: unknown;
  readonly #normalise: (fields: Fields) => Fields;
  readonly #states: Fields[] = [];
  readonly #ids = new Map<string, number>();
  readonly #transitions = new Map<string, Transition<Effect>>();

  constructor(options: {
    readonly core: LoadedCore<Steppable<Input, Effect>>;
    readonly createWith?: unknown;
    readonly normalise: (fields: Fields) => Fields;
  }) {
    this.#core = options.core;
    this.#createWith = options.createWith;
    this.#normalise = options.normalise;
  }

  get size(): number {
    return this.#states.length;
  }

  /** The state right after construction; `createWith` overrides the arguments. */
  initial(createWith: unknown = this.#createWith): number {
    return this.#intern(this.#core.capture(this.#core.create(createWith)));
  }

  fields(id: number): Fields {
    const fields = this.#states[id];
    if (fields === undefined) throw new RangeError(`there is no state ${id}`);
    return fields;
  }

  step(id: number, input: Input): Transition<Effect> {
    const key = `${id} ${keyOf(input)}`;
    const known = this.#transitions.get(key);
    if (known !== undefined) return known;
    const instance = this.#core.create(this.#createWith);
    this.#core.restore(instance, this.fields(id));
    const effects = instance.step(input);
    const transition = { next: this.#intern(this.#core.capture(instance)), effects };
    this.#transitions.set(key, transition);
    return transition;
  }

  #intern(captured: Fields): number {
    const fields = this.#normalise(captured);
    const key = keyOf(fields);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#states.push(fields);
    this.#ids.set(key, this.#states.length - 1);
    return this.#states.length - 1;
  }
}

function keyOf(value: object): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each));
}

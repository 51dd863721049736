declare const brand: unique symbol;

/** A primitive that only its gateway function may make, so that two units cannot be mixed up. */
export type Brand<Primitive, Name extends string> = Primitive & { readonly [brand]: Name };

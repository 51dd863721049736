/** A broken invariant: our bug or corrupt memory. Never caught; the process ends, the other nodes go on. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** States what must hold. Never used on what a peer, a client or MySQL sent: that is refused. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionFailure(claim);
}

/** Makes a `switch` over a union complete: a new variant fails to compile here. */
export function assertNever(value: never): never {
  throw new AssertionFailure(`unreachable variant ${JSON.stringify(value)}`);
}

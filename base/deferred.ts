/** A promise with its settle functions; settled once, later calls do nothing. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;
}

export function deferred<Value = void>(): Deferred<Value> {
  return Promise.withResolvers<Value>();
}

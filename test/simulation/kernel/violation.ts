/** A rule that did not hold in a run: `I1`, `C8`, `R9`, … of the list of invariants, or a word where there is no number. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: string;

  constructor(rule: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(`${rule}: ${message}`, options);
    this.rule = rule;
  }
}

/** What is known of a history of an automaton after looking for an order of its operations. */
export type Decision =
  | { readonly kind: 'linearizable'; readonly steps: number }
  /** No order passes the end of this row; up to there, there is one. */
  | { readonly kind: 'impossible'; readonly blockedRow: number; readonly steps: number }
  | { readonly kind: 'undecided'; readonly reason: string; readonly steps: number };

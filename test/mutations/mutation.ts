import type { RunPlan } from '../simulation/kernel/index.ts';

/** A change of a source text: `find` must stand in the file exactly once. Paths are relative to the repository. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** What the plans of a mutation have on, whatever their seed drew: for rules that matter only under one rare trouble. */
export interface Emphasis {
  readonly nodeCount?: number;
  readonly knobs?: RunPlan['knobs'];
  /** The only kinds of faults, one about every `everyMs`. */
  readonly faults?: { readonly kinds: readonly string[]; readonly everyMs: number };
}

/** One safety rule taken out of the code that the simulation runs. */
export interface Mutation {
  readonly id: string;
  /** As HAZARDS and docs/testing.md name it: R8, G2, I11 … */
  readonly rule: string;
  /** What the code now does wrong, in a sentence. */
  readonly breaks: string;
  /** More than one only where a single change would not be the bug, as when a second rule backs up the first. */
  readonly edits: readonly Edit[];
  readonly scenario: 'raft' | 'cluster';
  readonly emphasis?: Emphasis;
  /** Why it is known not to be found: what backs the rule up, or what the simulation would need. Else it must be found. */
  readonly survives?: string;
}

/** The text of `file` with this mutation, or null if the mutation leaves that file alone. */
export function mutated(mutation: Mutation, file: string, source: string): string | null {
  const edits = mutation.edits.filter((edit) => edit.file === file);
  return edits.length === 0 ? null : edits.reduce(applyEdit, source);
}

function applyEdit(text: string, { file, find, replace }: Edit): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} places that read ${JSON.stringify(find)}`);
  }
  return parts.join(replace);
}

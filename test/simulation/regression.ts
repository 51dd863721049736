import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { RunPlan } from './kernel/index.ts';

/** A plan that once broke a rule and must not again, with what it taught. One JSON file each in `regressions/`. */
export interface Regression {
  /** A sentence: what went wrong. */
  readonly title: string;
  /** The rule that broke. */
  readonly rule: string;
  /** `product`, `model` or `checker`: what was wrong, and is repaired. */
  readonly fault: string;
  readonly plan: RunPlan;
}

const folder = new URL('regressions/', import.meta.url).pathname;

export function readRegression(path: string): Regression {
  const parsed: Regression = JSON.parse(readFileSync(path, 'utf8'));
  return parsed;
}

/** All that are kept, by file name. */
export function readRegressions(): { readonly name: string; readonly regression: Regression }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => ({ name, regression: readRegression(folder + name) }));
}

/** Returns the path of the file. */
export function writeRegression(name: string, regression: Regression): string {
  const path = `${folder}${name}.json`;
  writeFileSync(path, `${JSON.stringify(regression, null, 2)}\n`);
  return path;
}

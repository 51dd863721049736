import { readFileSync, writeFileSync } from 'node:fs';
import type { Catch } from './hunt.ts';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';

const path = new URL('../../docs/testing.md', import.meta.url);
const begin = '<!-- mutations: written by npm run test:mutations -- --write -->\n';
const end = '<!-- end of mutations -->\n';
const columns = ['mutation', 'what it breaks', 'rule', 'scenario', 'found as', 'seeds', 'CPU s'];

/** The rows of docs/testing.md, by mutation; those of earlier runs stay unless they are found anew. */
export function writeTable(catches: readonly Catch[]): void {
  const text = readFileSync(path, 'utf8');
  const [before, rest] = split(text, begin);
  const [old, after] = split(rest, end);
  const rows = new Map(
    [...old.matchAll(/^\| `([a-z0-9-]+)` \|.*$/gm)].map(([row, id = '']) => [id, row]),
  );
  for (const each of catches) rows.set(each.mutation.id, rowOf(each));
  const kept = mutations.map(({ id }) => rows.get(id)).filter((row) => row !== undefined);
  const head = [`| ${columns.join(' | ')} |`, `|${columns.map(() => '---').join('|')}|`];
  writeFileSync(path, `${before}${begin}${[...head, ...kept].join('\n')}\n${end}${after}`);
}

/** Aligned, for a terminal. */
export function tableText(catches: readonly Catch[]): string {
  const lines = [columns.toSpliced(1, 1), ...catches.map((each) => cellsOf(each).toSpliced(1, 1))];
  const widths = columns
    .toSpliced(1, 1)
    .map((_, place) => Math.max(...lines.map((line) => line[place]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, place) => cell.padEnd(widths[place] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function rowOf(each: Catch): string {
  const [id, ...cells] = cellsOf(each);
  return `| \`${id}\` | ${cells.join(' | ')} |`;
}

function cellsOf({ mutation, caughtBy, seeds, cpuSeconds }: Catch): string[] {
  const { id, breaks, rule } = mutation;
  const found = caughtBy ?? 'not found';
  return [id, breaks, rule, scenarioText(mutation), found, String(seeds), cpuSeconds.toFixed(0)];
}

/** A star: the plans have on what the rule is about, whatever their seed drew. */
function scenarioText({ scenario, emphasis }: Mutation): string {
  return emphasis === undefined ? scenario : `${scenario}*`;
}

function split(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`docs/testing.md has no line ${mark.trim()}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

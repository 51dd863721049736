import { parseArgs } from 'node:util';
import { type Catch, type HuntLimits, hunt } from './hunt.ts';
import type { Mutation } from './mutation.ts';
import { mutationOf, mutations } from './mutations.ts';
import { tableText, writeTable } from './table.ts';

// npm run test:mutations -- --help; docs/testing.md says what the table means.

const usage = `npm run test:mutations -- [options]
  --only ID,…         these mutations only (default: all)
  --seeds N           give a mutation up after so many seeds (default 2000)
  --cpu-seconds T     … or after so much CPU time (default 1200)
  --survivor-seeds N  seeds for those that are known not to be found (default 100)
  --jobs J            mutations at a time (default 2)
  --write             write the rows into docs/testing.md
  --list              list the mutations and run nothing
Exit status: 0 every mutation ended as it should, 1 one was not found, or was found against its note, 2 the command is wrong.
`;

interface Settings {
  readonly chosen: readonly Mutation[];
  readonly limits: HuntLimits;
  readonly survivorSeeds: number;
  readonly jobs: number;
  readonly isWriting: boolean;
  readonly isListing: boolean;
}

process.exitCode = await main();

async function main(): Promise<number> {
  let settings: Settings | null;
  try {
    settings = readSettings();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 2;
  }
  if (settings === null) {
    print(usage);
    return 0;
  }
  if (settings.isListing) {
    for (const { id, rule, breaks } of settings.chosen) print(`${id} (${rule}): ${breaks}`);
    return 0;
  }
  return await huntAll(settings);
}

function readSettings(): Settings | null {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seeds: { type: 'string', default: '2000' },
      'cpu-seconds': { type: 'string', default: '1200' },
      'survivor-seeds': { type: 'string', default: '100' },
      jobs: { type: 'string', default: '2' },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    chosen: values.only === undefined ? mutations : values.only.split(',').map(mutationOf),
    limits: {
      seedsMax: wholeNumber('seeds', values.seeds),
      cpuSecondsMax: wholeNumber('cpu-seconds', values['cpu-seconds']),
    },
    survivorSeeds: wholeNumber('survivor-seeds', values['survivor-seeds']),
    jobs: wholeNumber('jobs', values.jobs),
    isWriting: values.write,
    isListing: values.list,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`--${name} is a whole number from 1, not ${text}`);
  }
  return value;
}

async function huntAll({
  chosen,
  limits,
  survivorSeeds,
  jobs,
  isWriting,
}: Settings): Promise<number> {
  const waiting = chosen[Symbol.iterator]();
  const catches: Catch[] = [];
  const work = async (): Promise<void> => {
    for (const mutation of waiting) {
      const isKnown = mutation.survives !== undefined;
      const seedsMax = isKnown ? Math.min(survivorSeeds, limits.seedsMax) : limits.seedsMax;
      const found = await hunt(mutation, { ...limits, seedsMax });
      catches.push(found);
      print(`${catches.length}/${chosen.length} ${sentenceOf(found)}`);
      // What is known is kept, whatever becomes of the rest.
      if (isWriting) writeTable(catches);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const ordered = chosen.flatMap((mutation) =>
    catches.filter((each) => each.mutation === mutation),
  );
  print(tableText(ordered));
  const wrong = ordered.filter(
    ({ mutation, caughtBy }) => (caughtBy === null) !== (mutation.survives !== undefined),
  );
  print(`${ordered.length} mutations, ${wrong.length} did not end as they should`);
  for (const { mutation } of wrong) print(`  ${mutation.id}: ${mutation.survives ?? 'not found'}`);
  return wrong.length === 0 ? 0 : 1;
}

function sentenceOf({ mutation, caughtBy, message, seeds, cpuSeconds }: Catch): string {
  const effort = `${seeds} seed${seeds === 1 ? '' : 's'}, ${cpuSeconds.toFixed(0)} CPU s`;
  return caughtBy === null
    ? `${mutation.id} not found in ${effort}`
    : `${mutation.id} found in ${effort}: ${message}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

import { messageOf } from '../../base/errors.ts';
import { runFaults } from './fault-run.ts';
import { workloadNames } from './load/workload.ts';
import { type FaultOptions, parseOptions, usage } from './options.ts';

// Exit status: 0 every promise was kept and every fault really happened; 1 not so; 2 the command is wrong; 130 interrupted.

const interruptions = ['SIGINT', 'SIGTERM'] as const;
const stop = new AbortController();

const options = parseOptions(process.argv.slice(2), workloadNames);
if ('length' in options) {
  process.stderr.write(`${options.join('\n')}\n${usage}\n`);
  process.exitCode = 2;
} else {
  // Only once: the second time the process ends at once, and its guard cleans up.
  for (const signal of interruptions) process.once(signal, interrupt);
  process.exitCode = await run(options);
  // What was given up in the middle may still wait for something.
  if (stop.signal.aborted) process.exit();
}

async function run(asked: FaultOptions): Promise<number> {
  try {
    return await runFaults(asked, {
      signal: stop.signal,
      onNothingLeft: () => {
        // A checker that is busy hears no signal.
        for (const signal of interruptions) process.removeListener(signal, interrupt);
      },
    });
  } catch (thrown) {
    const reason = stop.signal.aborted ? 'interrupted' : `failed: ${describe(thrown)}`;
    process.stdout.write(`${reason}\n`);
    return stop.signal.aborted ? 130 : 1;
  }
}

function interrupt(): void {
  process.stdout.write('\ninterrupted: removing what was made\n');
  stop.abort();
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined
    ? messageOf(thrown)
    : `${messageOf(thrown)}: ${messageOf(thrown.cause)}`;
}

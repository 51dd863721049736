import { homedir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../base/clock.ts';
import { codeOf, messageOf, OperationalError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { checkPortsFree } from '../cli/ports.ts';
import { renderTable } from '../cli/table.ts';
import { createTerminal, type Terminal } from '../cli/terminal.ts';
import { defaultCacheDirectory, findMySql } from '../mysql-bridge/server/find-mysql.ts';
import { deathLauncher } from '../mysql-bridge/server/launcher.ts';
import { readMachine } from '../mysql-bridge/server/machine.ts';
import type { FetchProgress } from '../mysql-bridge/server/package-fetch.ts';
import type { Comparison } from './comparisons/comparison.ts';
import { comparisons } from './comparisons/registry.ts';
import type { Verdict } from './core/bars.ts';
import { barTable, resultTable } from './core/report.ts';
import { BenchError } from './errors.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { benchPorts, portsUsed } from './ports.ts';
import { updateReadme, writeResults } from './results.ts';
import { type ComparisonResult, type Progress, runComparison } from './runner.ts';
import { makeTemplate } from './systems/plain-server.ts';
import { findTools } from './tools.ts';
import { makeWorkFolder } from './work-folder.ts';

// `npm run bench`: finds programs, runs the chosen comparisons one after the other, writes what they said.

const exitFailed = 1;
const exitUsage = 2;
const exitInterrupted = 130;
const lingerMs = 500;

const environment = process.env;
const terminal = createTerminal(process.stdout, { noColor: environment['NO_COLOR'] !== undefined });
const clock = new SystemClock();
const stop = new AbortController();
// The first signal ends the run in order; the second one is left to the default, and ends the process.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => stop.abort());
}
process.exitCode = await main();
// Everything is ended and written. What an interrupted turn still waits for, such as a writer for a server that is gone, is no reason
// to stay: this timer keeps no process, it ends one.
setTimeout(() => process.exit(), lingerMs).unref();

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    terminal.line(usage);
    return 0;
  }
  try {
    const options = readOptions(args, environment['BINRAFT_MYSQLD']);
    return await run(
      options,
      options.chosen.map((name) => chosenComparison(name, options)),
    );
  } catch (thrown) {
    if (stop.signal.aborted) {
      terminal.line('interrupted; nothing was left behind');
      return exitInterrupted;
    }
    return report(thrown);
  }
}

/** With the peers and limits that were asked for, and always ours. */
function chosenComparison(name: string, options: BenchOptions): Comparison {
  const make = comparisons.get(name);
  if (make === undefined) throw new BenchError('BENCH_OPTION', `there is no comparison ${name}`);
  const whole = make(options);
  const { peers, withLimits } = options;
  const [first, ...others] = whole.contenders.filter((contender) => {
    const { isOurs, isLimit = false } = contender;
    if (isOurs || (isLimit && withLimits)) return true;
    return peers === null ? !isLimit : peers.includes(contender.name);
  });
  return { ...whole, contenders: [first ?? whole.contenders[0], ...others] };
}

async function run(options: BenchOptions, chosen: readonly Comparison[]): Promise<number> {
  const { signal } = stop;
  const { threads, clients, seconds, rounds, faults } = options;
  checkPeers(options);
  const toolNames = [...new Set(chosen.flatMap((comparison) => comparison.tools))];
  const searchPath = environment['PATH'] ?? '';
  const cacheDirectory = defaultCacheDirectory({
    xdgCacheHome: environment['XDG_CACHE_HOME'],
    home: homedir(),
  });
  const fetching = { searchPath, cacheDirectory, clock, logger: silentLogger, signal };
  const onProgress = ({ phase, done, total }: FetchProgress): void =>
    terminal.progress(`fetching: ${phase}`, total === null ? 0 : done / total);
  const machineHere = await readMachine();
  const tools = await findTools(toolNames, { ...fetching, onProgress, machine: machineHere });
  const ports = Array.from({ length: portsUsed }, (_, index) => options.basePort + index);
  await checkPortsFree(
    '127.0.0.1',
    ports.map((port) => ({ port, purpose: 'benchmark' })),
  );
  const installation = await findMySql({ ...fetching, onProgress, mysqld: options.mysqld });
  await using work = await makeWorkFolder(options.dataDirectory);
  const machine = await describeMachine({ folder: work.path, installation, tools, toolNames });
  const launcher = await deathLauncher();
  const templateData = await makeTemplate({ installation, launcher }, join(work.path, 'template'));
  const benchEnvironment = {
    clock,
    installation,
    launcher,
    tools,
    ports: benchPorts(options.basePort),
    templateData,
  };
  let isComplete = true;
  for (const comparison of chosen) {
    const result = await runComparison(comparison, {
      environment: benchEnvironment,
      workFolder: work.path,
      rounds: options.rounds,
      signal,
      onProgress: (progress) => showProgress(comparison, options, progress),
    });
    const verdicts = await writeResults(options.out, {
      comparison,
      result,
      machine,
      options: { threads, clients, seconds, rounds, faults },
      measuredAt: new Date(clock.wallMs()).toISOString(),
    });
    if (options.updatesReadme) await updateReadme(options.out);
    print(comparison, result, verdicts);
    isComplete &&= result.failures.length === 0;
  }
  terminal.line(`written to ${options.out}`);
  return isComplete ? 0 : exitFailed;
}

/** A name that no comparison knows is a slip of the pen, not a wish for nobody. */
function checkPeers(options: BenchOptions): void {
  const known = [...comparisons.values()]
    .flatMap((make) => make(options).contenders)
    .filter(({ isOurs }) => !isOurs)
    .map(({ name }) => name);
  const unknown = options.peers?.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = `--peers: there is no ${unknown}; there are: ${known.join(', ')}`;
  throw new BenchError('BENCH_OPTION', message);
}

function showProgress(comparison: Comparison, options: BenchOptions, progress: Progress): void {
  const { round, contender, doing, share, secondsLeft } = progress;
  const left = `${Math.max(1, Math.ceil(secondsLeft / 60))} min left`;
  const label = `${comparison.name} ${round}/${options.rounds} ${contender}: ${doing}, ${left}`;
  terminal.progress(label.padEnd(70), share);
}

function print(
  comparison: Comparison,
  result: ComparisonResult,
  verdicts: readonly Verdict[],
): void {
  const colours = { colours: terminal.hasColours };
  const table = resultTable(comparison, result.samples);
  const bars = barTable(verdicts.filter(({ outcome }) => outcome !== 'not measured'));
  terminal.line('');
  terminal.line(`${comparison.name}: ${comparison.title}`);
  terminal.line(renderTable(table.headers, table.rows, colours));
  terminal.line('');
  if (bars.rows.length > 0) terminal.line(renderTable(bars.headers, bars.rows, colours));
  for (const note of result.notes) terminal.line(`note: ${note}`);
  for (const failure of result.failures) terminal.line(`failed: ${failure}`);
}

function report(thrown: unknown): number {
  const complaints: Terminal = createTerminal(process.stderr, { noColor: true });
  if (thrown instanceof OperationalError) {
    complaints.line(`bench: ${thrown.code}: ${thrown.message}`);
    return thrown.code === 'BENCH_OPTION' ? exitUsage : exitFailed;
  }
  const trace = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
  complaints.line(`bench: INTERNAL ${codeOf(thrown) ?? ''} ${trace}`);
  return exitFailed;
}

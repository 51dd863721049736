import { runProgram } from './run-program.ts';

const askTimeoutMs = 5_000;

/**
 * What stands in front of a server's command so that the operating system kills it when this process dies, whatever way it
 * dies: a mysqld without its sidecar must not go on. Empty where there is no such program; a server that was left behind is
 * then killed at the next start. The main thread must spawn: the signal is sent when the thread that forked ends (prctl(2)).
 */
export async function deathLauncher(): Promise<readonly string[]> {
  const launcher = ['setpriv', '--pdeathsig', 'KILL', '--'];
  // Some systems have a setpriv without this option, so it is tried.
  const result = await runProgram([...launcher, 'true'], { timeoutMs: askTimeoutMs });
  return result.status === 0 ? launcher : [];
}

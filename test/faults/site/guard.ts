import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunIdentity } from './run-identity.ts';

const program = fileURLToPath(new URL('./guard-process.ts', import.meta.url));

/**
 * Starts a process that outlives this one, however it dies, and then removes what the run made. It is in a group of its own, which the
 * terminal's Ctrl-C does not reach. Answers how to dismiss it, for a run that has removed everything itself.
 */
export function startGuard({ name }: RunIdentity): () => void {
  // The other end of its input closes with this process: nothing has to be sent, and nothing can be forgotten.
  const guard = spawn(process.execPath, [program, name], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.unref();
  guard.stdin?.on('error', () => undefined);
  return () => guard.kill('SIGTERM');
}

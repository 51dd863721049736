import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Commands end by themselves. */
const lastResortMs = 240_000;

/** How a command ended, and all it printed on both outputs. */
export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** `binraft` with arguments, to its end, as a person types it. */
export async function runCommand(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: lastResortMs,
  });
  let output = '';
  const read = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output };
}

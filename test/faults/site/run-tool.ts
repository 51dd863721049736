import { spawn } from 'node:child_process';
import { messageOf } from '../../../base/errors.ts';

/** How a tool of the system ended. */
export interface ToolEnd {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Tools of the system answer at once. */
const lastResortMs = 30_000;

/** Runs a program to its end, whatever that is; rejects only when there is no such program. */
export function runTool(program: string, args: readonly string[], input = ''): Promise<ToolEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', timeout: lastResortMs });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    // A program that ends without reading its input is no fault.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output, errors }));
  });
}

/** As `runTool`, of a program that must succeed. Answers what it printed. */
export async function needTool(
  program: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const { status, output, errors } = await runTool(program, args, input);
  if (status === 0) return output;
  throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${errors.trim()}\n${input}`);
}

/** Of what went wrong, without what a tool was given to read. */
export function firstLineOf(thrown: unknown): string {
  const [line = ''] = messageOf(thrown).split('\n');
  return line;
}

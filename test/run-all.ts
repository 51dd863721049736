import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Everything that must hold, in the order in which a fault is cheapest to find: types and style, then the tests.
// Ends with one plain line `N passed, N failed`.

const reportPath = join(mkdtempSync(join(tmpdir(), 'binraft-test-')), 'report.json');

const checkStatus = await run('npm', ['run', '--silent', 'check']);
const testStatus = await run('vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportPath}`,
  ...process.argv.slice(2),
]);
const report: { numPassedTests: number; numFailedTests: number } = JSON.parse(
  readFileSync(reportPath, 'utf8'),
);
const checkFailed = checkStatus === 0 ? 0 : 1;
const passed = report.numPassedTests + 1 - checkFailed;
const failed = report.numFailedTests + checkFailed;
// A test file that could not be loaded fails the run without failing a test.
const lost = testStatus !== 0 && report.numFailedTests === 0 ? 1 : 0;
process.stdout.write(`\n${passed} passed, ${failed + lost} failed\n`);
process.exitCode = checkStatus === 0 && testStatus === 0 ? 0 : 1;

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}

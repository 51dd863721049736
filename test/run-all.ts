import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
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
const checksFailed = checkStatus === 0 ? 0 : 1;
const tests = testCounts();
// A test file that could not be loaded, and a run that died, fail without failing a test.
const isLost = testStatus !== 0 && tests.failed === 0;
const passed = tests.passed + 1 - checksFailed;
const failed = tests.failed + checksFailed + (isLost ? 1 : 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** Nothing passed when vitest ended without a report. */
function testCounts(): { readonly passed: number; readonly failed: number } {
  if (!existsSync(reportPath)) return { passed: 0, failed: 0 };
  const report: { numPassedTests: number; numFailedTests: number } = JSON.parse(
    readFileSync(reportPath, 'utf8'),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests };
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}

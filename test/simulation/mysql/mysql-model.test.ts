import { expect, test } from 'vitest';
import { allCases } from './cases/all-cases.ts';
import { SimDriver } from './sim-driver.ts';

// The cases that `test/integration/mysql-model.test.ts` runs against a real server, against the model.

test.each(allCases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
  const lines: string[] = [];
  await one.run(await SimDriver.open(), (line) => lines.push(line));
  expect(lines).toEqual(one.expected);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { allCases } from '../simulation/mysql/cases/all-cases.ts';
import { RealDriver } from '../simulation/mysql/real-driver.ts';

// What the simulated mysqld says of MySQL, asked of a real one: the same cases must come to the same lines. Where they differ
// the model is wrong.

let mysql: RealDriver;

beforeAll(async () => {
  mysql = await RealDriver.open();
});
afterAll(async () => {
  await mysql[Symbol.asyncDispose]();
});

test.each(allCases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
  const lines: string[] = [];
  await mysql.prepare({ beginsEmpty: one.beginsEmpty ?? false });
  await one.run(mysql, (line) => lines.push(line));
  expect(lines).toEqual(one.expected);
});

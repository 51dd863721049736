import { commitCases } from './commit-cases.ts';
import { crashCases } from './crash-cases.ts';
import type { ModelCase } from './mysql-under-test.ts';
import { replicaCases } from './replica-cases.ts';
import { sessionCases } from './session-cases.ts';
import { settingCases } from './setting-cases.ts';

/** Run in this order against one real server; each begins on a server that waits for nothing. */
export const allCases: readonly ModelCase[] = [
  ...commitCases,
  ...sessionCases,
  ...settingCases,
  ...crashCases,
  ...replicaCases,
];

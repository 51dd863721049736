import type { ClientWorkload } from '../client-workload.ts';
import type { WorkloadName } from '../workload.ts';
import { accounts } from './accounts.ts';
import { bank } from './bank.ts';
import { ddl } from './ddl.ts';
import { large } from './large.ts';
import { listAppend, listAppendRepeatableRead } from './list-append.ts';
import { prefix } from './prefix.ts';
import { register } from './register.ts';
import { set } from './set.ts';
import { unknown } from './unknown.ts';

const workloads: Readonly<Record<WorkloadName, ClientWorkload>> = {
  register,
  'list-append': listAppend,
  'list-append-rr': listAppendRepeatableRead,
  bank,
  set,
  prefix,
  ddl,
  accounts,
  large,
  unknown,
};

export function workloadNamed(name: WorkloadName): ClientWorkload {
  return workloads[name];
}

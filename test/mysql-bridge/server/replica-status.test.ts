import { expect, test } from 'vitest';
import {
  isApplierError,
  replicaFaultsOf,
  replicaStatusOf,
} from '../../../mysql-bridge/server/replica-status.ts';

const running = {
  Replica_IO_Running: 'Yes',
  Replica_SQL_Running: 'Yes',
  Last_IO_Errno: 0,
  Last_IO_Error: '',
  Last_SQL_Errno: '0',
  Last_SQL_Error: '',
  Retrieved_Gtid_Set:
    'aaaaaaaa-0000-0000-0000-000000000001:1-5,\nbbbbbbbb-0000-0000-0000-000000000002:1',
  Seconds_Behind_Source: 3,
};

test('a replica that receives and applies has no fault', () => {
  const status = replicaStatusOf(running);

  expect(status.lagSeconds).toBe(3);
  expect(status.retrieved).toBe(
    'aaaaaaaa-0000-0000-0000-000000000001:1-5,bbbbbbbb-0000-0000-0000-000000000002:1',
  );
  expect(replicaFaultsOf(status)).toEqual([]);
});

test('errors of both halves are told with their numbers', () => {
  const status = replicaStatusOf({
    ...running,
    Replica_IO_Running: 'Connecting',
    Last_IO_Errno: 2003,
    Last_IO_Error: 'error connecting to source',
    Replica_SQL_Running: 'No',
    Last_SQL_Errno: 1062,
    Last_SQL_Error: 'Duplicate entry',
    Seconds_Behind_Source: null,
  });

  expect(status.lagSeconds).toBeNull();
  expect(replicaFaultsOf(status)).toEqual([
    'receiver connecting: 2003 error connecting to source',
    'applier stopped: 1062 Duplicate entry',
  ]);
  expect(replicaFaultsOf(status).map(isApplierError)).toEqual([false, true]);
});

test('a receiver that connects for the first time is no fault, one that stopped is', () => {
  const connecting = replicaStatusOf({ ...running, Replica_IO_Running: 'Connecting' });
  const stopped = replicaStatusOf({ ...running, Replica_IO_Running: 'No' });

  expect(replicaFaultsOf(connecting)).toEqual([]);
  expect(replicaFaultsOf(stopped)).toEqual(['receiver stopped']);
  expect(replicaFaultsOf(null)).toEqual(['replication was never configured']);
});

test('a row without the columns we know reads as stopped', () => {
  expect(replicaFaultsOf(replicaStatusOf({}))).toEqual(['receiver stopped', 'applier stopped']);
  expect(isApplierError('applier stopped')).toBe(false);
});

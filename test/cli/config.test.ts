import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  clusterFingerprint,
  initialMembersFingerprint,
  parseNodeConfig,
} from '../../cli/config.ts';
import { proxyWorkersOf } from '../../cli/config-schema.ts';
import { duration } from '../../cli/status-table.ts';
import { renderTable } from '../../cli/table.ts';

const member = {
  id: 'n1',
  host: '127.0.0.1',
  raftPort: 1,
  adminPort: 2,
  forwardReadWritePort: 3,
  forwardReadOnlyPort: 4,
};
const valid = {
  clusterId: '12345678',
  members: [member],
  node: 'n1',
  dataDirectory: '.',
  listen: { readWritePort: 5, readOnlyPort: 6, binlogPort: 7 },
  mysql: { port: 8, adminPort: 9 },
  accounts: { clusterSecretFile: 'secret' },
};

test('all faults are reported at once, each with its path, its value and what is allowed', () => {
  const faults = parseNodeConfig({ ...valid, reads: 'maybe', clusterId: 'x', surplus: 1 });
  expect(faults).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ path: 'reads', was: '"maybe"' }),
      {
        path: 'clusterId',
        was: '"x"',
        allowed: '8 to 64 letters, digits and dashes',
      },
    ]),
  );
  expect(JSON.stringify(faults)).toContain('surplus');
});

test('whatever is read, the answer is a list of faults and never a throw', () => {
  fc.assert(
    fc.property(fc.anything(), (input) => {
      expect(Array.isArray(parseNodeConfig(input))).toBe(true);
    }),
  );
});

test('the fingerprint names what must be equal on all nodes, and nothing of one node alone', () => {
  const fingerprint = (change: object): string => {
    const config = parseNodeConfig({ ...valid, ...change });
    if (!('clusterId' in config)) throw new Error(JSON.stringify(config));
    return clusterFingerprint(config);
  };
  expect(fingerprint({ dataDirectory: '/elsewhere' })).toBe(fingerprint({}));
  expect(fingerprint({ reads: 'lease' })).not.toBe(fingerprint({}));
  expect(fingerprint({ timings: { tickMs: 30 } })).not.toBe(fingerprint({}));
});

test('members that differ do not change the fingerprint of the settings: they may be changed while nodes run', () => {
  const fingerprints = (change: object): readonly [string, string] => {
    const config = parseNodeConfig({ ...valid, ...change });
    if (!('clusterId' in config)) throw new Error(JSON.stringify(config));
    return [clusterFingerprint(config), initialMembersFingerprint(config)];
  };
  const [settings, members] = fingerprints({});
  const [sameSettings, otherMembers] = fingerprints({ members: [{ ...member, raftPort: 11 }] });

  expect(sameSettings).toBe(settings);
  expect(otherMembers).not.toBe(members);
});

test('half of the processors carry client traffic, at least one and at most four', () => {
  expect([1, 2, 4, 7, 64].map(proxyWorkersOf)).toEqual([1, 1, 2, 3, 4]);
});

test('a table lines up, with numbers to the right and no colours unless asked for', () => {
  const rows = [
    ['n1', '5'],
    [{ text: 'n10', style: 'green' as const }, '1200'],
  ];
  expect(renderTable(['node', 'term'], rows, { colours: false })).toBe(
    ['node  term', 'n1       5', 'n10   1200'].join('\n'),
  );
});

test('a duration is one number and one unit', () => {
  expect([850, 12_000, 180_000, 18_000_000, 200_000_000].map(duration)).toEqual([
    '850 ms',
    '12 s',
    '3 min',
    '5 h',
    '2 d',
  ]);
});

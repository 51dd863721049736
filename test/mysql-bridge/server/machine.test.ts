import { expect, test } from 'vitest';
import { machineOf } from '../../../mysql-bridge/server/machine.ts';

const debian =
  'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n';
const ubuntu = 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n';
const mint =
  'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n';
const raspbian = 'ID=raspbian\nID_LIKE=debian\nVERSION_CODENAME=bookworm\n';
const fedora = 'ID=fedora\nVERSION_CODENAME=""\n';

test.each([
  ['Debian', debian, 'debian', 'bookworm'],
  ['Ubuntu, which says it is like Debian', ubuntu, 'ubuntu', 'noble'],
  ['a derivative of Ubuntu, by the codename of what it derives from', mint, 'ubuntu', 'noble'],
  ['a derivative of Debian', raspbian, 'debian', 'bookworm'],
  ['Fedora, which has no apt', fedora, null, ''],
  ['a system without os-release', '', null, ''],
])('packages are looked for as on %s', (_name, osRelease, family, codename) => {
  const machine = machineOf({ platform: 'linux', nodeArchitecture: 'x64', osRelease });

  expect(machine).toEqual({ platform: 'linux', architecture: 'amd64', family, codename });
});

test('another operating system has no family, whatever files it has', () => {
  const machine = machineOf({ platform: 'darwin', nodeArchitecture: 'arm64', osRelease: debian });

  expect(machine.family).toBeNull();
  expect(machine.architecture).toBe('arm64');
});

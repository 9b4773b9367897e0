/** What the collectors of OpenVPN and WireGuard share: a folder of configurations, and a link to the active one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { collectorByName } from '../../../../src/collectors/index.js';
import { textLines } from '../../../../src/collectors/vpn/config-folder.js';
import { anyText, assertPlain, captured, FEW_RUNS, isValueOrMalformed } from '../../../support/parser-cases.js';
import { closedFolder, fifo, link, machineWith, sampleValue, unreadable } from '../../../support/sample.js';

test('textLines gives a value or a SourceError for any text', () => {
  fc.assert(
    fc.property(anyText([captured('openvpn', 'links', 'home/me/elsewhere.ovpn')]), (text) => {
      isValueOrMalformed(() => assertPlain(textLines(text)));
    }),
    FEW_RUNS,
  );
});

const folders = { openvpn: ['/etc/openvpn/client', 'client.conf'], wireguard: ['/etc/wireguard', 'wg0.conf'] } as const;

for (const name of ['openvpn', 'wireguard'] as const) {
  const [folder, active] = folders[name];
  const office = { [`${folder}/office_client.conf`]: '' };

  describe(name, () => {
    test('an unreadable folder is an error', () => {
      for (const closed of [folder, folder.slice(0, folder.lastIndexOf('/'))]) {
        const machine = machineWith({ ...office, [closed]: closedFolder });
        assert.throws(() => sampleValue(name, machine), { code: 'permission', message: `${folder}: permission denied` });
      }
    });

    test('a folder that may be listed but not entered shows names, and no active configuration', () => {
      const listable = { [folder]: { kind: 'listable-folder' } } as const;
      const { client_config_names } = sampleValue<{ client_config_names: unknown }>(name, machineWith({ ...office, ...listable }));
      assert.deepEqual(client_config_names, [{ config: 'office_client.conf' }]);
      const machine = machineWith({ ...office, [`${folder}/${active}`]: link('office_client.conf'), ...listable });
      assert.throws(() => sampleValue(name, machine), { code: 'permission', message: /: cannot read the target of the link$/ });
    });

    test('names include unreadable files and links to them, not FIFOs or folders', () => {
      const machine = machineWith({
        [`${folder}/office_client.conf`]: unreadable('x'),
        [`${folder}/keys/a.key`]: 'x',
        [`${folder}/closed/b.key`]: 'x',
        [`${folder}/closed`]: closedFolder,
        [`${folder}/copy_client.conf`]: link('office_client.conf'),
        [`${folder}/${active}`]: link(`${folder}/office_client.conf`),
        [`${folder}/pipe_client.conf`]: fifo,
        [`${folder}/way_to_pipe_client.conf`]: link('pipe_client.conf'),
      });
      const value = sampleValue<Record<string, unknown>>(name, machine);
      assert.deepEqual(value.client_config_names, [{ config: 'copy_client.conf' }, { config: 'office_client.conf' }]);
      assert.deepEqual([value.client_configs, value.client_config_active], ['2', 'office_client.conf']);
    });

    test('an empty folder gives the value of a machine without it', () => {
      const machine = machineWith({ [folder]: { kind: 'folder', unreadable: false } });
      assert.deepEqual(sampleValue(name, machine), collectorByName(name)?.absent);
    });
  });
}

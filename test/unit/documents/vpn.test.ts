// Documents that have a collector of their own name, composed of that collector's cases.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { documentByName } from '../../../src/documents/index.js';
import { composeFixture, type Fixture, fixture, fixturesOf, type Outcome } from '../../support/fixture.js';
import { assertValid } from '../../support/schema.js';

interface Body {
  readonly document: Record<string, unknown>;
  readonly pages?: Record<string, unknown>;
}

function compose(name: string, from: Fixture): Promise<Outcome> {
  const document = documentByName(name);
  assert.ok(document, name);
  return composeFixture(document, from);
}

async function bodyOf(name: string, fixtureName: string): Promise<Body> {
  const outcome = await compose(name, fixture(name, fixtureName));
  assert.ok('value' in outcome, JSON.stringify(outcome));
  return outcome.value as Body;
}

for (const name of ['openvpn', 'wireguard', 'firewall']) {
  test(`${name} is in the form it promises, or fails for a reason`, async () => {
    const document = documentByName(name);
    for (const from of fixturesOf(name)) {
      const outcome = await compose(name, from);
      if (!('value' in outcome)) {
        assert.ok('error' in outcome && outcome.error.message, from.name);
        continue;
      }
      const { document: body, pages = {} } = outcome.value as Body;
      assertValid(body, document?.view ?? { json: {} });
      for (const page of Object.values(pages)) assertValid(page, document?.pages?.view ?? { json: {} });
    }
  });
}

describe('/openvpn', () => {
  const names = {
    client_configs: '4',
    client_config_names: [{ config: 'Travel_client.conf' }, { config: 'office_client.conf' }],
    client_config_active: 'office_client.conf',
    client_login_names: [{ login: 'Travel_login.conf' }, { login: 'office_login.conf' }],
    client_login_active: 'office_login.conf',
  };
  const pagesOf = async (folder: string) => (await bodyOf('openvpn', folder)).pages ?? {};

  test('each name has a page, which is empty while secrets are hidden', async () => {
    const nothing = { client_config: [], problem: null };
    assert.deepEqual(await bodyOf('openvpn', 'raspap'), {
      document: names,
      pages: { 'Travel_client.conf': nothing, 'office_client.conf': nothing },
    });
  });

  test('the same names and the texts, where they are shown', async () => {
    const { document, pages = {} } = await bodyOf('openvpn', 'raspap-exposed');
    assert.deepEqual(document, names);
    assert.deepEqual(Object.keys(pages), ['Travel_client.conf', 'office_client.conf']);
    assert.deepEqual(pages['office_client.conf'], {
      client_config: [
        'client',
        'dev tun',
        'proto udp',
        'remote vpn.example.org 1194',
        'auth-user-pass login.conf',
        '<key>',
        'made up',
        '</key>',
      ],
      problem: null,
    });
  });

  test('a link to a file elsewhere, which ends its lines otherwise', async () => {
    assert.deepEqual((await pagesOf('links'))['elsewhere_client.conf'], {
      client_config: ['client', 'remote vpn.example.org', '', 'verb 3'],
      problem: null,
    });
  });

  test('an empty file has a page without lines', async () => {
    assert.deepEqual((await pagesOf('broken'))['empty_client.conf'], { client_config: [], problem: null });
  });

  test('a page of what cannot be read says why', async () => {
    const contents = [{ config: 'a_client', lines: null, problem: 'a_client: permission denied' }];
    const collected = { ...names, contents };
    const openvpn = documentByName('openvpn');
    assert.deepEqual(
      [...(openvpn?.pages?.compose(names, { openvpn: collected } as never) ?? [])],
      [['a_client', { client_config: null, problem: 'a_client: permission denied' }]],
    );
  });

  test('no link to an active one is no error', async () => {
    assert.equal((await bodyOf('openvpn', 'no-active')).document.client_config_active, '');
  });

  test('no OpenVPN', async () => {
    assert.deepEqual(await bodyOf('openvpn', 'missing'), {
      document: {
        client_configs: '0',
        client_config_names: [],
        client_config_active: '',
        client_login_names: [],
        client_login_active: '',
      },
      pages: {},
    });
  });
});

describe('/wireguard', () => {
  test('names, and which is active', async () => {
    assert.deepEqual((await bodyOf('wireguard', 'several')).document, {
      client_configs: '3',
      client_config_names: [{ config: 'Travel.conf' }, { config: 'office.conf' }],
      client_config_active: 'office.conf',
    });
  });

  test('wg0.conf alone, which is no link: no names, and no error', async () => {
    assert.deepEqual((await bodyOf('wireguard', 'raspap')).document, {
      client_configs: '1',
      client_config_names: [],
      client_config_active: '',
    });
  });

  test('the texts are in the pages, that of the active one too', async () => {
    const { pages = {} } = await bodyOf('wireguard', 'several');
    assert.deepEqual(Object.keys(pages), ['Travel.conf', 'office.conf', 'wg0.conf']);
    const client_config = ['[Interface]', 'Address = 10.8.1.2/24', 'PrivateKey = made up'];
    assert.deepEqual(pages['wg0.conf'], { client_config, problem: null });
  });

  test('no WireGuard', async () => {
    assert.deepEqual((await bodyOf('wireguard', 'missing')).document, {
      client_configs: '0',
      client_config_names: [],
      client_config_active: '',
    });
  });
});

describe('/firewall', () => {
  test('the file as it is', async () => {
    assert.deepEqual(Object.keys((await bodyOf('firewall', 'raspap')).document), [
      'info',
      'rules_v4_file',
      'rules_v6_file',
      'order',
      'pre_rules',
      'main_rules',
      'exception_rules',
      'restriction_rules',
    ]);
  });

  test('no RaspAP', async () => {
    assert.deepEqual((await bodyOf('firewall', 'missing')).document, {});
  });

  test('the reason why it is not JSON', async () => {
    const file = '/etc/raspap/networking/firewall/iptables_rules.json';
    assert.deepEqual(await compose('firewall', fixture('firewall', 'not-json')), {
      error: { code: 'malformed', message: `${file}: is not valid JSON; check it with: jq . ${file}` },
    });
  });
});

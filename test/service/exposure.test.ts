// Secrets in configuration files, through every way out of the built service: hidden, unless it runs with --expose-secrets.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { documents } from '../../src/documents/index.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const SECRET = {
  passphrase: 'pass=phrase#of-the-café',
  password: 'ddns,pass=word#1',
  openvpn: 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
  login: 'vpn-login-password',
  wireguard: 'kKZ7Ff6hV2m1s3yJt0rY8cQmJ4uT5xR9wB2nL6dE1k0=',
};
/** Plain, and encoded for a URL or as Base64. */
const FORBIDDEN = Object.values(SECRET).flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]);

/** Ways in which files can be broken. Each has the secret where a careless error would quote it. */
const FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sound: {
    '/etc/hostapd/hostapd.conf': `interface=wlan0\nssid=RigNet\nchannel=6\nwpa=2\nwpa_passphrase=${SECRET.passphrase}\n`,
    '/etc/ddclient.conf': `protocol=dyndns2\nuse=web, web=checkip.example\nserver=members.example\nlogin=pi\npassword='${SECRET.password}'\nhome.example\n`,
    '/etc/openvpn/client/work_client.conf': `remote vpn.example 1194\n<key>\n${SECRET.openvpn}\n</key>\n`,
    '/etc/openvpn/client/work_login.conf': `alice\n${SECRET.login}\n`,
    '/etc/wireguard/wg0.conf': `[Interface]\nPrivateKey = ${SECRET.wireguard}\n`,
  },
  'one line': {
    '/etc/hostapd/hostapd.conf': `${SECRET.passphrase.replace('=', '')}`,
    '/etc/ddclient.conf': `password='${SECRET.password}`,
    '/etc/openvpn/client/work_client.conf': SECRET.openvpn,
    '/etc/raspap/networking/firewall/iptables_rules.json': `${SECRET.openvpn}`,
  },
  binary: {
    '/etc/hostapd/hostapd.conf': `\0wpa_passphrase=${SECRET.passphrase}\0`,
    '/etc/ddclient.conf': `\0password=${SECRET.password}\0`,
    '/etc/openvpn/client/work_client.conf': `\0${SECRET.openvpn}\0`,
    '/etc/raspap/networking/firewall/iptables_rules.json': `{"a": ${SECRET.openvpn}}`,
  },
};

function write(root: Root, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) root.write(path, content);
}

function get({ url, key }: TestServer, path: string): Promise<Answer> {
  return ask(url, path, { headers: { access_token: key } });
}

async function start(root: Root, args: string[] = []): Promise<TestServer> {
  write(root, FILES.sound ?? {});
  const server = await startServer({ args: ['--path.rootfs', root.folder, '--access-log', 'all', ...args], env: { PATH: root.path } });
  await refresh(server);
  return server;
}

async function refresh({ url, key }: TestServer): Promise<void> {
  await ask(url, '/snapshot/refresh', { method: 'POST', headers: { access_token: key } });
}

function assertNoSecret(where: string, text: string): void {
  for (const secret of FORBIDDEN) assert.ok(!text.includes(secret), `${where} has ${secret}: ${text.slice(0, 2000)}`);
}

/** Every path, and some that don't exist. */
const paths = [
  ...documents.map(({ name }) => `/${name}`),
  ...[
    '/openvpn/work_client.conf',
    '/openvpn/work_login.conf',
    '/openvpn/client.conf',
    '/wireguard/wg0.conf',
    '/clients/wlan0',
    '/snapshot',
  ],
  ...['/snapshot?documents=ap,ddns,openvpn', '/openapi.json', '/readyz', '/ap?wpa_passphrase=1', '/nope'],
];

describe('secrets are hidden', () => {
  let root: Root;
  let server: TestServer;
  before(async () => {
    root = createAccessPoint();
    server = await start(root);
  });
  after(async () => {
    await server?.stop();
    root.remove();
  });

  for (const [name, files] of Object.entries(FILES)) {
    test(`in every response, command and log line when files are ${name}`, async () => {
      write(root, files);
      await refresh(server);
      for (const path of paths) {
        const { text, headers } = await get(server, path);
        assertNoSecret(path, `${text} ${JSON.stringify(headers)}`);
      }
      const env = { PATH: root.path };
      const commands = ['snapshot', 'doctor'].map(async (command) => {
        const { stdout, stderr } = await apsnap([command, '--path.rootfs', root.folder, '--dotenv', server.dotenv], { env });
        assertNoSecret(command, `${stdout} ${stderr}`);
      });
      await Promise.all(commands);
      assertNoSecret('the log', server.output());
    });
  }

  test('as null, and secret pages are refused with the reason', async () => {
    write(root, FILES.sound ?? {});
    await refresh(server);
    const ap = (await get(server, '/ap')).json<{ ssid: string; wpa_passphrase: unknown; access_points: { wpa_passphrase: unknown }[] }>();
    assert.deepEqual([ap.ssid, ap.wpa_passphrase, ap.access_points.map((one) => one.wpa_passphrase)], ['RigNet', null, [null]]);
    const ddns = (await get(server, '/ddns')).json();
    assert.deepEqual([ddns.login, ddns.password], ['pi', null]);
    const config = await get(server, '/openvpn/work_client.conf');
    assert.equal(config.status, 403);
    assert.match(String(config.json().detail), /--expose-secrets/);
    assert.equal((await get(server, '/openvpn/work_login.conf')).status, 404);
    assert.equal((await get(server, '/wireguard/wg0.conf')).status, 403);
  });

  test('while a new SSID and a new DHCP range are served soon', async () => {
    const dnsmasq = (end: number) => `interface=wlan0\ndhcp-range=10.3.141.50,10.3.141.${end},255.255.255.0,12h\n`;
    root.write('/etc/dnsmasq.d/090_wlan0.conf', dnsmasq(99));
    await refresh(server);
    const served = async () => [(await get(server, '/ap')).json().ssid, (await get(server, '/dhcp')).json().range_end];
    assert.deepEqual(await served(), ['RigNet', '10.3.141.99']);
    // Far sooner than the 30 s of their schedule. Not within a second, as machines that run tests are busy; `npm run bench` measures that.
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=Elsewhere\n');
    root.write('/etc/dnsmasq.d/090_wlan0.conf', dnsmasq(200));
    await eventually(async () => assert.deepEqual(await served(), ['Elsewhere', '10.3.141.200']), 10_000);
  });
});

describe('with --expose-secrets', () => {
  let root: Root;
  let server: TestServer;
  before(async () => {
    root = createAccessPoint();
    server = await start(root, ['--expose-secrets']);
  });
  after(async () => {
    await server?.stop();
    root.remove();
  });

  test('secrets are shown where they are asked for', async () => {
    const body = async (path: string) => (await get(server, path)).json();
    assert.equal((await body('/ap')).wpa_passphrase, SECRET.passphrase);
    assert.equal((await body('/ddns')).password, SECRET.password);
    assert.deepEqual((await body('/openvpn/work_client.conf')).client_config, [
      'remote vpn.example 1194',
      '<key>',
      SECRET.openvpn,
      '</key>',
    ]);
    assert.deepEqual((await body('/wireguard/wg0.conf')).client_config, ['[Interface]', `PrivateKey = ${SECRET.wireguard}`]);
    const everything = JSON.stringify(await body('/snapshot'));
    assert.ok(!everything.includes(SECRET.openvpn), 'a configuration is only shown on its own page');
    assert.ok(!everything.includes(SECRET.wireguard) && !everything.includes(SECRET.login), 'nobody asked for these');
    assert.ok(!server.output().includes(SECRET.passphrase));
  });

  for (const name of [
    '..',
    '%2e%2e',
    '..%2fwork_login.conf',
    '%2fetc%2fpasswd',
    'work_client.conf%00',
    '%00',
    '%',
    '%ff',
    '__proto__',
    'constructor',
    'x'.repeat(10_000),
  ]) {
    test(`the page ${name.slice(0, 30)} does not exist`, async () => {
      for (const path of [`/openvpn/${name}`, `/wireguard/${name}`, `/clients/${name}`]) {
        const response = await get(server, path);
        assert.equal(response.status, 404, `${path.slice(0, 60)}: ${response.text.slice(0, 300)}`);
      }
    });
  }

  test('in the environment, snapshot shows secrets too', async () => {
    const env = { PATH: root.path, APSNAP_EXPOSE_SECRETS: '1' };
    const { stdout } = await apsnap(['snapshot', 'ap', '--path.rootfs', root.folder, '--dotenv', root.locate('/.env')], { env });
    assert.ok(stdout.includes(JSON.stringify(SECRET.passphrase)));
  });
});

// The package on an access point with systemd, hostapd, dnsmasq and clients, all virtual (test/vm), where RaspAP's service ran before.
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { availableParallelism, loadavg } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { bootGuest, type Guest, macOf, makePackage } from '../support/guest.js';
import { type Answer, ask } from '../support/http.js';
import { DOCS, IS_UP, RESTART, START, STATUS, STOP, saveKey, showKey } from '../support/raspap-page.js';

const ENV_FILE = '/etc/raspap/api/.env';
const RASPAPS_KEY = 'raspaps0own0key0of0thirty0two0ch';
const NAMES = ['alices-iphone', 'bobs-laptop', 'living-room-tv', 'guest-pixel'];
/** Collectors run every 2 s, but an emulated guest on a busy machine is slow. */
const FRESH_WITHIN_MS = 15_000;

interface Client {
  readonly mac_address: string;
  readonly ip_address: string;
  readonly hostname: string;
  readonly interface: string;
  readonly signal_dbm: number;
  readonly sources: readonly string[];
  readonly download_bytes: number;
  readonly upload_bytes: number;
  readonly download_bits_per_second: number;
  readonly upload_bits_per_second: number;
}
interface Clients {
  readonly active_clients_amount: number;
  readonly active_wireless_clients_amount: number;
  readonly active_clients: readonly Client[];
}

/** Returns how many processes share each processor of this machine, at least 1: an emulated guest is that much slower. */
const waiting = () => Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());

describe('the package on an access point', { timeout: 900_000 }, () => {
  let guest: Guest;
  let key = RASPAPS_KEY;

  const request = (path: string, method = 'GET'): Promise<Answer> => ask(guest.url, path, { method, headers: { access_token: key } });
  async function clients(path = '/clients'): Promise<Clients> {
    const answer = await request(path);
    assert.equal(answer.status, 200, answer.text);
    return answer.json<Clients>();
  }
  async function client(number: number): Promise<Client> {
    const found = (await clients()).active_clients.find((one) => one.mac_address === macOf(number));
    assert.ok(found, `${macOf(number)} is not in /clients`);
    return found;
  }
  const macs = (list: Clients) => list.active_clients.map((one) => one.mac_address).sort();
  const amount = (expected: number, path = '/clients') =>
    eventually(async () => assert.equal((await clients(path)).active_clients_amount, expected), 60_000);
  /** Runs a command as RaspAP's page does: as the web server's user, through /bin/sh. */
  const asPage = (line: string) => guest.run(`runuser -u www-data -- /bin/sh -c ${JSON.stringify(line).replaceAll('$', '\\$')}`);

  before(async () => {
    const [made, booted] = await Promise.all([process.env.APSNAP_DEB || makePackage(), bootGuest()]);
    guest = booted;
    await guest.sh('/share/guest/up 3');
    await guest.sh(`/share/guest/raspap ${RASPAPS_KEY}`);
    assert.equal((await eventually(() => ask(guest.url, '/'), 60_000)).text, 'raspap');
    await guest.sh('sha256sum /lib/systemd/system/restapi.service >/run/raspaps-unit');
    // An emulated processor on a busy machine can need minutes for what a Raspberry Pi does in seconds.
    await guest.sh(
      "mkdir /etc/systemd/system/apsnap.service.d && printf '[Service]\\nTimeoutStartSec=300\\nWatchdogSec=300\\n' >/etc/systemd/system/apsnap.service.d/patience.conf",
    );
    await guest.sh(`cp ${guest.give(made)} /root/apsnap.deb && apt-get install -y /root/apsnap.deb`);
  });
  after(() => guest?.stop());

  test("apsnap takes over RaspAP's service name and key", async () => {
    assert.equal(await guest.sh('systemctl is-active apsnap.service restapi.service'), 'active\nactive');
    assert.equal(await guest.sh('systemctl is-enabled apsnap.service'), 'enabled');
    assert.equal(await guest.sh('systemctl show --property Id --value restapi.service'), 'apsnap.service');
    // When the unit is started, the service responds.
    assert.equal((await clients()).active_clients_amount, 4, "with the key that RaspAP's clients have");
    assert.equal(await guest.sh('apsnap key show'), RASPAPS_KEY);
    assert.equal((await ask(guest.url, '/clients')).status, 403);
  });

  test('the service and its programs run in a sandbox, without root or capabilities', async (t) => {
    const exposure = /exposure level for apsnap\.service: ([\d.]+)/.exec(
      await guest.sh('systemd-analyze security --no-pager apsnap.service'),
    );
    t.diagnostic(`systemd-analyze security: ${exposure?.[1]}`);
    assert.ok(Number(exposure?.[1]) <= 1.5, exposure?.[0]);
    // The threads, and the programs that they started.
    const statuses = await guest.sh(
      'for pid in $(cat /sys/fs/cgroup/$(systemctl show --property ControlGroup --value apsnap.service)/cgroup.procs); do cat /proc/$pid/task/*/status || true; done',
    );
    const all = (name: string) => [...statuses.matchAll(new RegExp(`^${name}:\\s*(.*)$`, 'gm'))].map((match) => match[1] ?? '');
    assert.ok(all('Uid').length > 3, statuses);
    for (const ids of [...all('Uid'), ...all('Gid')]) for (const id of ids.split('\t')) assert.notEqual(id, '0', ids);
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      for (const set of all(name)) assert.equal(set, '0000000000000000', name);
    }
    for (const flag of all('NoNewPrivs')) assert.equal(flag, '1');
    for (const mode of all('Seccomp')) assert.equal(mode, '2');
  });

  test('/system reports the values that the commands print', async () => {
    const commands = () =>
      guest.sh(
        "hostname; uptime -p; nproc --all; uname -r; df --output=pcent / | tail -n 1 | tr -d ' %'; free -b | awk '/^Mem/ { print 100 * ($2 - $7) / $2 }'",
      );
    const before = (await commands()).split('\n');
    const refreshed = await request('/snapshot/refresh', 'POST');
    assert.equal(refreshed.status, 200, refreshed.text);
    const system = (await request('/system')).json();
    const after = (await commands()).split('\n');
    const between = [before, after];
    const column = (index: number) => between.map((lines) => lines[index]);
    assert.equal(system.hostname, before[0]);
    assert.ok(column(1).includes(system.uptime as string), `${system.uptime}: ${column(1)}`);
    assert.equal(String(system.processorCount), before[2]);
    assert.equal(system.kernelVersion, before[3]);
    assert.ok(column(4).includes(String(system.usedDisk)), `${system.usedDisk}: ${column(4)}`);
    const [least, most] = column(5)
      .map(Number)
      .sort((a, b) => a - b) as [number, number];
    const used = system.usedMemory as number;
    // The memory of the shell and its commands changes between the three readings.
    assert.ok(used > least - 3 && used < most + 3, `${used} %: ${column(5)}`);
    assert.equal(system.hostapdStatus, 1);
    assert.equal(system.operatingSystem, 'Debian GNU/Linux 12 (bookworm)');
  });

  test('/clients lists every client with its name, address and signal', async () => {
    const { active_clients: all, active_wireless_clients_amount: wireless } = await clients();
    assert.deepEqual(all.map((one) => one.hostname).sort(), NAMES.toSorted());
    assert.equal(wireless, 4);
    const addresses = (await guest.sh('cat /run/clients/wlan{2,3,4,5}.ip')).split('\n');
    const signals = await guest.sh(
      'for index in 0 1; do iw dev wlan$index station dump; done | awk \'$1 == "Station" { mac = $2 } $1 == "signal:" { print mac, $2 }\'',
    );
    const signalOf = new Map(signals.split('\n').map((line) => line.split(' ') as [string, string]));
    for (const [index, hostname] of NAMES.entries()) {
      const found = await client(index + 1);
      assert.equal(found.hostname, hostname);
      assert.equal(found.ip_address, addresses[index]);
      assert.equal(found.signal_dbm, Number(signalOf.get(found.mac_address)));
      assert.deepEqual([...found.sources].sort(), ['lease', 'neighbour', 'station']);
    }
  });

  test('an upload and a download are counted in the right direction', async (t) => {
    const bytes = 3_000_000;
    await guest.sh(
      `mkdir /run/web && head -c ${bytes} /dev/zero >/run/web/zeros && busybox httpd -p 10.3.141.1:80 -h /run/web && client 1 busybox httpd -p 80 -h /run/web`,
    );
    const [uploader, downloader] = [await client(1), await client(2)];
    const fastest = { upload: 0, download: 0 };
    let done = false;
    const watching = (async () => {
      while (!done) {
        fastest.upload = Math.max(fastest.upload, (await client(1)).upload_bits_per_second);
        fastest.download = Math.max(fastest.download, (await client(2)).download_bits_per_second);
        await sleep(200);
      }
    })();
    await guest.sh(
      `curl -sS -o /dev/null http://${uploader.ip_address}/zeros & client 2 curl -sS -o /dev/null http://10.3.141.1/zeros; wait`,
    );
    await eventually(async () => {
      const [up, down] = [await client(1), await client(2)];
      const within = (count: number) => assert.ok(count > bytes && count < 1.5 * bytes, `${count} bytes`);
      within(up.upload_bytes - uploader.upload_bytes);
      within(down.download_bytes - downloader.download_bytes);
      // The rest are acknowledgements.
      assert.ok(up.download_bytes - uploader.download_bytes < bytes / 5);
      assert.ok(down.upload_bytes - downloader.upload_bytes < bytes / 5);
    }, FRESH_WITHIN_MS);
    await sleep(2_500); // the sample that ends the transfer may be one later than its bytes
    done = true;
    await watching;
    t.diagnostic(`fastest: upload ${fastest.upload} bit/s, download ${fastest.download} bit/s`);
    for (const rate of Object.values(fastest)) assert.ok(rate > 200_000 && rate < 1e9, `${rate} bit/s`);
    await eventually(async () => assert.ok((await client(1)).upload_bits_per_second < 50_000), FRESH_WITHIN_MS);
  });

  test('each access point lists only its own clients', async () => {
    assert.deepEqual(macs(await clients('/clients/wlan0')), [macOf(1), macOf(2), macOf(3)]);
    assert.deepEqual(macs(await clients('/clients/wlan1')), [macOf(4)]);
    assert.equal((await clients('/clients/eth0')).active_clients_amount, 0);
    const { access_points: accessPoints } = (await request('/ap')).json<{ access_points: Record<string, string>[] }>();
    assert.deepEqual(
      accessPoints.map((one) => [one.interface, one.ssid, one.frequency_band, one.wpa_passphrase]),
      [
        ['wlan0', 'VirtualNet', '2.4', null],
        ['wlan1', 'VirtualNet-5G', '5', null],
      ],
    );
  });

  test('/clients shows a client that leaves or joins within about a second', async (t) => {
    const rounds = (await guest.sh(`node /share/guest/changes.mjs ${key} 2 5`)).split('\n').map((line) => JSON.parse(line));
    for (const what of ['leave', 'join']) {
      const ms = rounds.map((round) => Number(round[what])).sort((a, b) => a - b);
      t.diagnostic(`${what}: ${ms.join(', ')} ms from hostapd's event to /clients`);
      // The guest is emulated on a machine that may be busy: most times must be below a second, and none above four.
      const secondMs = 1_000 * waiting();
      assert.ok((ms[2] ?? Infinity) < secondMs && (ms[4] ?? Infinity) < 4 * secondMs, `${what}: ${ms.join(', ')} ms`);
    }
    await amount(4);
  });

  test('a client with the wrong passphrase is never listed', async () => {
    await guest.sh('client 3 wpa disconnect');
    await amount(3);
    const expected = [macOf(1), macOf(2), macOf(4)];
    await guest.sh(
      'hostapd-events wlan0 >/run/events 2>&1 & client 3 wpa set_network 0 psk \'"not-the-passphrase"\' && client 3 wpa reconnect',
    );
    const attempts = async () => Number(await guest.sh('grep -c POSSIBLE-PSK-MISMATCH /run/events || true'));
    const deadlineMs = performance.now() + 60_000;
    let polls = 0;
    for (let tried = 0; tried < 3; tried = polls % 20 === 0 ? await attempts() : tried) {
      assert.ok(performance.now() < deadlineMs, `${tried} attempts`);
      assert.deepEqual(macs(await clients()), expected);
      polls++;
      await sleep(25);
    }
    await guest.sh(
      'client 3 wpa disconnect; client 3 wpa set_network 0 psk \'"virtual-passphrase"\'; client 3 wpa enable_network 0; client 3 wpa reconnect',
    );
    await amount(4);
  });

  /** Polls /clients while `act` runs. Checks that every response has a recent sample or is marked stale. */
  async function neverSilentlyStale<T>(
    act: () => Promise<T>,
  ): Promise<{ readonly oldestMs: number; readonly stale: number; readonly asked: number }> {
    const seen = { oldestMs: 0, stale: 0, asked: 0 };
    let done = false;
    const watching = (async () => {
      while (!done) {
        const { status, headers } = await request('/clients');
        assert.ok(status === 200 || status === 503, `status ${status}`);
        if (status === 503 || headers['sample-state'] === 'stale') seen.stale++;
        else {
          assert.equal(headers['sample-state'], 'fresh');
          const ageMs = Date.parse(String(headers.date)) - Date.parse(String(headers['sampled-at']));
          seen.oldestMs = Math.max(seen.oldestMs, ageMs);
        }
        seen.asked++;
        await sleep(100);
      }
    })();
    try {
      await Promise.race([act(), watching]);
    } finally {
      done = true;
    }
    await watching;
    assert.ok(seen.oldestMs < FRESH_WITHIN_MS, `fresh, and ${seen.oldestMs} ms old`);
    return seen;
  }

  test('while hostapd restarts, no response is old without being marked stale', async (t) => {
    const seen = await neverSilentlyStale(async () => {
      await guest.sh('systemctl stop hostapd.service');
      await amount(0, '/clients/wlan0');
      assert.deepEqual(macs(await clients()), [macOf(4)], 'the other access point goes on');
      await guest.sh('systemctl start hostapd.service');
      await amount(3, '/clients/wlan0');
    });
    t.diagnostic(`${seen.asked} answers, ${seen.stale} marked stale; the oldest that was not: ${seen.oldestMs} ms`);
    await amount(4);
    await eventually(async () => assert.equal((await request('/clients')).headers['sample-state'], 'fresh'), FRESH_WITHIN_MS);
  });

  test('while iw fails, /clients keeps the last good value and marks it stale', async (t) => {
    const problem = async () => {
      const { documents } = (await request('/snapshot?documents=clients')).json<{
        documents: { clients: { state: string; sampledAt: string; error: { code: string; message: string } | null } };
      }>();
      return documents.clients;
    };
    const seen = await neverSilentlyStale(async () => {
      await guest.sh(
        "cp $(command -v iw) /run/iw && printf '#!/bin/sh\\necho no such luck >&2\\nexit 1\\n' >/usr/sbin/iw.new && chmod 755 /usr/sbin/iw.new && mv /usr/sbin/iw.new /usr/sbin/iw",
      );
      await eventually(async () => assert.equal((await problem()).state, 'stale'), FRESH_WITHIN_MS);
      const { error, sampledAt } = await problem();
      assert.equal(error?.code, 'program-failed');
      assert.match(error?.message ?? '', /iw .*no such luck/);
      // The last good value stays, with its age.
      const { headers } = await request('/clients');
      assert.equal((await clients()).active_clients_amount, 4);
      assert.equal(headers['sample-state'], 'stale');
      await sleep(3_000);
      assert.equal((await problem()).sampledAt, sampledAt);
      await guest.sh('cp /run/iw /usr/sbin/iw.new && mv /usr/sbin/iw.new /usr/sbin/iw');
      await eventually(async () => assert.equal((await problem()).state, 'fresh'), 60_000);
    });
    t.diagnostic(`${seen.asked} answers, ${seen.stale} marked stale; the oldest that was not: ${seen.oldestMs} ms`);
    assert.ok(seen.stale > 10);
  });

  /** Opens connections that request /clients repeatedly, with a pause after each response. */
  function startLoad(connections = 4, pauseMs = 20) {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const ended: Promise<void>[] = [];
    const times: number[] = [performance.now()];
    const load = {
      answers: 0,
      failures: 0,
      wrong: [] as string[],
      longestGapMs: () => Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? 0))),
      stop,
    };
    let done = false;
    async function stop() {
      done = true;
      await Promise.all(ended);
      agent.destroy();
    }
    /** Returns what is wrong with a response, or undefined if it is right. Rejects if there was no response. */
    const one = () =>
      new Promise<string | undefined>((resolve, reject) => {
        const asking = get(`${guest.url}/clients`, { agent, headers: { access_token: key }, timeout: 20_000 }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', () => resolve('cut off'));
          response.on('end', () => {
            // The service listens before it is ready.
            if (response.statusCode === 503 && text.includes('not sampled yet')) reject(new Error('not ready'));
            else if (response.statusCode !== 200) resolve(`status ${response.statusCode}: ${text}`);
            else if ((JSON.parse(text) as Clients).active_clients.length !== 4) resolve(text);
            else resolve(undefined);
          });
        });
        asking.on('timeout', () => asking.destroy(new Error('no answer in 20 s')));
        asking.on('error', reject);
      });
    async function connection() {
      while (!done) {
        try {
          const wrong = await one();
          if (wrong !== undefined) load.wrong.push(wrong);
          load.answers++;
          times.push(performance.now());
          await sleep(pauseMs);
        } catch {
          load.failures++;
          await sleep(100);
        }
      }
    }
    for (let index = 0; index < connections; index++) ended.push(connection());
    return load;
  }

  test('after an upgrade under load the service has the same key and never gave a wrong response', async (t) => {
    const load = startLoad(2, 50);
    try {
      await sleep(2_000);
      await guest.sh('dpkg --install /root/apsnap.deb');
      assert.equal((await clients()).active_clients_amount, 4);
    } finally {
      await load.stop();
    }
    const bareMs = Number(await guest.sh(`node -e 'console.log(Math.round(1000 * process.uptime()))'`));
    t.diagnostic(`the longest time without an answer: ${Math.round(load.longestGapMs())} ms; node without any program: ${bareMs} ms`);
    assert.deepEqual(load.wrong, []);
    assert.ok(load.longestGapMs() < 30_000 * waiting());
    assert.equal(await guest.sh('apsnap key show'), RASPAPS_KEY);
  });

  describe("RaspAP's page", () => {
    test('shows the service as running, and its status without the key', async () => {
      const up = await asPage(IS_UP);
      assert.equal(up.stdout.split('\n').length, 2, `one line: the page shows a second one as part of the status: ${up.stdout}`);
      const status = await asPage(STATUS);
      assert.equal(status.status, 0, status.stderr);
      assert.match(status.stdout, /Active: active \(running\)/);
      assert.ok(!status.stdout.includes(key), 'everybody who may open the page would see the key, and the journal keeps it');
    });

    test('shows the key', async () => {
      assert.equal((await asPage(showKey(ENV_FILE))).stdout.trim(), key);
    });

    test('saves a new key that works without a restart', async (t) => {
      const [old, other] = [key, 'saved0by0the0page0of0raspap00000'];
      const saved = await asPage(saveKey(ENV_FILE, other));
      assert.equal(saved.status, 0, saved.stderr);
      const savedMs = performance.now();
      key = other;
      // The key works before the page restarts anything.
      let status = 0;
      // Each try counts as a wrong key until then: 20 in a minute would limit the address.
      for (let tries = 0; tries < 15 && status !== 200; tries++) {
        if (tries > 0) await sleep(1_000);
        status = (await request('/system')).status;
      }
      assert.equal(status, 200);
      t.diagnostic(`the new key worked after ${Math.round(performance.now() - savedMs)} ms`);
      assert.equal((await ask(guest.url, '/system', { headers: { access_token: old } })).status, 403);
      assert.equal((await asPage(showKey(ENV_FILE))).stdout.trim(), key);
    });

    test('restarts the service under load without a wrong response', async (t) => {
      const load = startLoad();
      try {
        await sleep(2_000);
        const restarted = await asPage(RESTART);
        assert.equal(restarted.status, 0, restarted.stderr);
        // When systemctl ends, the service is ready and serves all clients.
        assert.equal((await clients()).active_clients_amount, 4);
        await sleep(2_000);
      } finally {
        await load.stop();
      }
      const { answers, failures, longestGapMs } = load;
      t.diagnostic(
        `${answers} answers, ${failures} refused, cut off or too early; the longest time without an answer: ${Math.round(longestGapMs())} ms`,
      );
      assert.deepEqual(load.wrong, []);
      assert.ok(answers > 20, `${answers} answers`);
      assert.ok(longestGapMs() < 30_000 * waiting());
    });

    test('links to the documentation', async () => {
      assert.equal(DOCS.port, 8081);
      const answer = await ask(guest.url, DOCS.path);
      assert.equal(answer.status, 200);
      assert.match(answer.headers['content-type'] ?? '', /^text\/html/);
    });

    test('shows why the service does not start with a short key', async () => {
      assert.equal((await asPage(STOP)).status, 0);
      assert.equal((await asPage(IS_UP)).stdout, '');
      assert.match((await asPage(STATUS)).stdout, /Active: inactive \(dead\)/);
      await assert.rejects(ask(guest.url, '/healthz'));
      await asPage(saveKey(ENV_FILE, 'short'));
      await asPage(START);
      await eventually(
        // systemd doesn't restart it, so the status keeps showing the reason.
        async () =>
          assert.match((await asPage(STATUS)).stdout, /Active: failed[\s\S]*RASPAP_API_KEY has 5 characters: expected at least 16/),
        60_000,
      );
      await asPage(saveKey(ENV_FILE, key));
    });
  });

  test("after apsnap is removed, RaspAP's service runs again with the same key", async () => {
    await guest.sh('apt-get remove -y apsnap');
    assert.equal((await eventually(() => ask(guest.url, '/'), 60_000)).text, 'raspap');
    assert.equal(await guest.sh('systemctl is-active restapi.service'), 'active');
    assert.equal(await guest.sh('systemctl is-enabled restapi.service'), 'enabled');
    assert.equal(await guest.sh('systemctl show --property FragmentPath --value restapi.service'), '/lib/systemd/system/restapi.service');
    await guest.sh('sha256sum --check --quiet /run/raspaps-unit');
    assert.equal(await guest.sh(`sed -n 's/^RASPAP_API_KEY=//p' ${ENV_FILE}`), key, 'RaspAP has the same key');
  });
});

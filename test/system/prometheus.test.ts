// Debian's Prometheus and VictoriaMetrics with the files in deploy/ and the configurations in docs/prometheus.md.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { parseExposition } from '../support/exposition.js';
import { ask } from '../support/http.js';
import {
  configuration,
  createFolder,
  type Database,
  type Folder,
  REPOSITORY,
  startPrometheus,
  startVictoriaMetrics,
} from '../support/prometheus.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const ALERTS = readFileSync(join(REPOSITORY, 'deploy/alerts.yml'), 'utf8');
/** Names that promtool warns about. They come from node_exporter, whose own build ignores the same warnings. */
const NODE_EXPORTER_NAMES = /^node_(?:memory|wifi_station)_/;

/** Client names with characters that end a label or the text, that no text may contain, and that need several bytes. */
const HOSTILE_NAMES = ['"}\\1', '\\n#EOF', '<img/src=x/onerror=alert(1)>', 'caf\u00e9-\u202e-\u{1f4f1}', 'nul\0nul', '\\', '{{$value}}'];

function createHostileAccessPoint(): Root {
  const root = createAccessPoint();
  const mac = (index: number) => `02:00:00:00:0${index}:00`;
  const all = HOSTILE_NAMES.map((name, index) => ({ name, mac: mac(index), ip: `10.3.141.${50 + index}` }));
  root.write('/var/lib/misc/dnsmasq.leases', all.map((one) => `1795500557 ${one.mac} ${one.ip} ${one.name} *\n`).join(''));
  const stations = all.map((one) => `Station ${one.mac} (on wlan0)\n\trx bytes:\t3061\n\ttx bytes:\t7119\n\tsignal:  \t-20 dBm\n`);
  root.write('/stations', stations.join(''));
  root.program(
    'iw',
    root
      .read('/bin/iw')
      .toString('utf8')
      .replace(/printf 'Station.*/, `/bin/cat ${root.locate('/stations')} ;;`),
  );
  root.write('/sys/class/thermal/thermal_zone1/type', 'a"b\\\0\xff\r}\n');
  root.write('/sys/class/thermal/thermal_zone1/temp', '41000\n');
  root.write('/sys/class/net/a"b\\c/ifindex', '9\n');
  root.write('/sys/class/net/a"b\\c/operstate', 'up\n');
  root.write('/sys/class/net/a"b\\c/mtu', '1500\n');
  root.write('/sys/class/hwmon/hwmon0/name', '"\n');
  root.write('/sys/class/hwmon/hwmon0/temp1_input', '41000\n');
  root.write('/sys/class/hwmon/hwmon0/temp1_label', '\\"\n');
  root.write('/proc/sys/kernel/version', '#1 "\\ \n');
  return root;
}

const startOn = (root: Root) => startServer({ args: ['--path.rootfs', root.folder, '--threads', '1'], env: { PATH: root.path } });

const scrape = ({ url, key }: TestServer, accept: string) => ask(url, '/metrics', { headers: { access_token: key, accept } });

const hostOf = ({ url }: { readonly url: string }) => new URL(url).host;

/** Adds a timestamp to each sample, which promtool requires for an import. */
function withTimes(text: string): string {
  return text.replace(/^([^#\n].*)$/gm, '$1 1700000000');
}

interface Targets {
  readonly data: { readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string; readonly lastError: string }[] };
}

describe('one access point', { timeout: 60_000 }, () => {
  let machine: TestServer;
  let root: Root;
  let hostile: TestServer;
  let folder: Folder;
  let prometheus: Database;
  /** Forwards requests to `machine`, but asks for text instead of OpenMetrics. */
  let asText: Server;
  /** The format that Prometheus requested through each relay, and the one in the response. */
  const negotiated = new Map<'text' | 'unchanged', { accept: string; type: string }>();
  let textHost: string;
  let unchangedHost: string;
  let unchanged: Server;

  function relay(kind: 'text' | 'unchanged'): Server {
    return createServer((incoming, outgoing) => {
      const headers = { ...incoming.headers, ...(kind === 'text' && { accept: 'text/plain;version=0.0.4' }) };
      const { hostname, port } = new URL(machine.url);
      request({ hostname, port, path: incoming.url, headers }, (response) => {
        negotiated.set(kind, { accept: incoming.headers.accept ?? '', type: response.headers['content-type'] ?? '' });
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing);
      }).end();
    }).listen(0, '127.0.0.1');
  }

  before(async () => {
    root = createHostileAccessPoint();
    folder = createFolder();
    [machine, hostile] = await Promise.all([startServer(), startOn(root)]);
    [asText, unchanged] = [relay('text'), relay('unchanged')];
    await Promise.all([once(asText, 'listening'), once(unchanged, 'listening')]);
    textHost = `127.0.0.1:${(asText.address() as AddressInfo).port}`;
    unchangedHost = `127.0.0.1:${(unchanged.address() as AddressInfo).port}`;
    const one = configuration('prometheus.yml', {
      'scrape_interval: 15s': 'scrape_interval: 1s\n  evaluation_interval: 1s',
      '/etc/prometheus/alerts.yml': folder.write('alerts.yml', ALERTS),
      '/etc/prometheus/apsnap.key': folder.write('apsnap.key', `${machine.key}\n`),
      "'10.3.141.1:8081'": `'${hostOf(machine)}', '${textHost}', '${unchangedHost}'`,
    });
    // A second access point with its own key.
    const [, other = ''] = one.split('scrape_configs:\n');
    const second = other
      .replace('job_name: apsnap', 'job_name: hostile')
      .replace('apsnap.key', 'hostile.key')
      .replace(/targets: .*/, `targets: ['${hostOf(hostile)}']`);
    folder.write('hostile.key', hostile.key);
    prometheus = await startPrometheus(folder, `${one}${second}`);
  });

  after(async () => {
    await Promise.all([prometheus, machine, hostile].map((each) => each?.stop()));
    asText?.close();
    unchanged?.close();
    folder?.remove();
    root?.remove();
  });

  test('all targets are up', async () => {
    await eventually(async () => {
      const { data } = await prometheus.get<Targets>('/api/v1/targets');
      const found = data.activeTargets.map(({ health, lastError }) => ({ health, lastError }));
      assert.deepEqual(found, Array(4).fill({ health: 'up', lastError: '' }));
    });
    assert.equal((await prometheus.query('up == 1')).length, 4);
  });

  test('both formats have the same series', async () => {
    await eventually(() => assert.equal(negotiated.size, 2));
    assert.match(negotiated.get('unchanged')?.accept ?? '', /^application\/openmetrics-text/);
    assert.match(negotiated.get('unchanged')?.type ?? '', /^application\/openmetrics-text; version=1\.0\.0/);
    assert.match(negotiated.get('text')?.type ?? '', /^text\/plain; version=0\.0\.4/);
    const names = async (instance: string) =>
      (await prometheus.query(`count by (__name__) ({instance="${instance}",__name__=~"node_.*|apsnap_.*"})`)).map(
        ({ labels, value }) => `${labels.__name__} ${value}`,
      );
    await eventually(async () => {
      const found = await names(textHost);
      assert.ok(found.length > 70, found.join());
      assert.deepEqual(found, await names(unchangedHost));
    });
    const metadata = await prometheus.get<{ data: Record<string, { type: string; unit: string }[]> }>('/api/v1/metadata');
    const types = new Set(metadata.data.node_network_receive_bytes?.map(({ type, unit }) => `${type} ${unit}`));
    assert.deepEqual([...types], ['counter bytes']);
    assert.equal(metadata.data.node_uname?.[0]?.type, 'info');
  });

  test('metrics and /system have the same values', async () => {
    const value = async (expression: string) => (await prometheus.query(`${expression}{instance="${hostOf(machine)}"}`))[0]?.value;
    // Values change every second, so retry until both come from the same sample.
    await eventually(async () => {
      const { load, memory, disk, time } = (await ask(machine.url, '/system', { headers: { access_token: machine.key } })).json<
        Record<string, Record<string, number>>
      >();
      assert.equal(await value('node_load1'), load?.load1);
      assert.equal(await value('node_load15'), load?.load15);
      assert.equal(await value('node_memory_MemTotal_bytes'), memory?.totalBytes);
      assert.equal(await value('node_memory_SwapTotal_bytes'), memory?.swapTotalBytes);
      const available = (await value('node_memory_MemAvailable_bytes')) ?? Number.NaN;
      assert.ok(Math.abs(available / (memory?.availableBytes ?? 0) - 1) < 0.05, `${available} and ${memory?.availableBytes}`);
      assert.equal(await value('node_filesystem_size_bytes'), disk?.sizeBytes);
      const uptime = ((await value('node_time_seconds')) ?? 0) - ((await value('node_boot_time_seconds')) ?? 0);
      assert.ok(Math.abs(uptime - (time?.uptimeSeconds ?? 0)) < 5, `${uptime} and ${time?.uptimeSeconds}`);
    });
    const { hostname, kernelVersion } = (await ask(machine.url, '/system', { headers: { access_token: machine.key } })).json();
    const [uname] = await prometheus.query(`node_uname_info{instance="${hostOf(machine)}"}`);
    assert.deepEqual([uname?.labels.nodename, uname?.labels.release], [hostname, kernelVersion]);
    await eventually(async () => {
      const busy = `1 - avg (rate(node_cpu_seconds_total{instance="${hostOf(machine)}",mode="idle"}[10s]))`;
      const [row] = await prometheus.query(busy);
      assert.ok(row && row.value >= 0 && row.value <= 1, JSON.stringify(row));
    });
  });

  test('client names arrive unchanged', async () => {
    const expected = HOSTILE_NAMES.toSorted();
    await eventually(async () => {
      const found = await prometheus.query('apsnap_client_info{job="hostile"}');
      assert.deepEqual(found.map(({ labels }) => labels.hostname ?? '').sort(), expected);
    });
    const [zone] = await prometheus.query('node_thermal_zone_temp{job="hostile",zone="1"}');
    assert.equal(zone?.labels.type, 'a"b\\\0\u00ff\r}');
    const joined =
      'node_wifi_station_signal_dbm * on (job, instance, mac_address) group_left (hostname, ip) apsnap_client_info{job="hostile"}';
    assert.equal((await prometheus.query(joined)).length, HOSTILE_NAMES.length);
  });

  test('Prometheus evaluates the alerts, and HostapdDown fires without hostapd', async () => {
    await eventually(async () => {
      const { data } = await prometheus.get<{ data: { groups: { rules: { name: string; health: string; state: string }[] }[] } }>(
        '/api/v1/rules',
      );
      const rules = data.groups.flatMap((group) => group.rules);
      assert.deepEqual(
        rules.map(({ health }) => health),
        Array(9).fill('ok'),
      );
      // hostapd isn't running on the test machine.
      assert.notEqual(rules.find(({ name }) => name === 'HostapdDown')?.state, 'inactive');
    });
  });

  test('promtool accepts the text, except for names of node_exporter', async () => {
    for (const server of [machine, hostile]) {
      const { text } = await scrape(server, 'text/plain');
      const { stdout, stderr } = await run('promtool', ['check', 'metrics'], { input: text });
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !NODE_EXPORTER_NAMES.test(line));
      assert.deepEqual(lines, []);
      assert.match(text, /^node_memory_MemTotal_bytes /m);
    }
  });

  test('promtool imports OpenMetrics', async () => {
    for (const server of [machine, hostile]) {
      const { text } = await scrape(server, 'application/openmetrics-text;version=1.0.0');
      const file = folder.write('openmetrics.txt', withTimes(text));
      const { status, stdout, stderr } = await run('promtool', [
        'tsdb',
        'create-blocks-from',
        'openmetrics',
        file,
        join(folder.path, 'blocks'),
      ]);
      assert.equal(status, 0, `${stdout}${stderr}`);
    }
    // A cut file must fail, or the check above would prove nothing.
    const cut = folder.write('cut.txt', withTimes((await scrape(machine, 'application/openmetrics-text')).text.replace('# EOF\n', '')));
    assert.notEqual((await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', cut, join(folder.path, 'blocks')])).status, 0);
  });
});

describe('configurations', () => {
  let folder: Folder;

  before(() => {
    folder = createFolder();
    folder.write('alerts.yml', ALERTS);
    folder.write('apsnap.key', 'key\n');
  });
  after(() => folder?.remove());

  async function check(config: string): Promise<void> {
    const file = folder.write('prometheus.yml', config.replaceAll('/etc/prometheus/', `${folder.path}/`));
    const { status, stdout, stderr } = await run('promtool', ['check', 'config', file]);
    assert.equal(status, 0, `${stdout}${stderr}`);
  }

  test('promtool accepts every configuration in the documentation', async () => {
    folder.write('access-points.yml', configuration('access-points.yml'));
    for (const title of ['prometheus.yml', 'prometheus.yml, a part of it', 'prometheus.yml of a fleet']) await check(configuration(title));
    // Prometheus 2.42 doesn't know http_headers, so check the file without them.
    const newer = configuration('prometheus.yml, 2.55 and newer');
    const headers = /^ {4}http_headers:\n {6}access_token:\n {8}files: \[\S+\]\n/m;
    assert.match(newer, headers);
    await check(newer.replace(headers, ''));
  });

  test('promtool tests the alerts', async () => {
    const { status, stdout, stderr } = await run('promtool', ['test', 'rules', 'deploy/alerts.test.yml'], { cwd: REPOSITORY });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

  test('every alert has a test', () => {
    const tests = readFileSync(join(REPOSITORY, 'deploy/alerts.test.yml'), 'utf8');
    const alerts = [...ALERTS.matchAll(/^ {6}- alert: (\w+)$/gm)].map(([, name]) => name);
    assert.ok(alerts.length >= 6);
    for (const name of alerts) assert.match(tests, new RegExp(`alertname: ${name}\\n`));
  });

  test('every Grafana panel has a valid query for existing metrics', async () => {
    const dashboard = JSON.parse(readFileSync(join(REPOSITORY, 'deploy/grafana.json'), 'utf8')) as {
      templating: { list: { name: string; type: string }[] };
      panels: { title: string; datasource: { uid: string }; targets: { expr: string; datasource: { uid: string } }[] }[];
    };
    assert.equal(dashboard.templating.list[0]?.type, 'datasource');
    const root = createAccessPoint();
    // Add what a real access point has and these files lack.
    root.write('/proc/700/comm', 'hostapd\n');
    root.program('vcgencmd', '#!/bin/sh\necho throttled=0x0\n');
    root.write('/sys/class/net/wlan0/statistics/rx_bytes', '0\n');
    for (const direction of ['rx', 'tx']) {
      for (const counter of ['bytes', 'packets', 'errors', 'dropped']) {
        root.write(`/sys/class/net/wlan0/statistics/${direction}_${counter}`, '0\n');
      }
    }
    const dump =
      'Station 02:00:00:00:03:00 (on wlan0)\n\ttx bitrate:\t6.0 MBit/s\n\ttx retries:\t0\n\trx bytes:\t1\n\ttx bytes:\t1\n\tsignal:\t-20 dBm\n\tconnected time:\t7 seconds\n';
    root.write('/stations', dump);
    root.program(
      'iw',
      root
        .read('/bin/iw')
        .toString('utf8')
        .replace(/printf 'Station.*/, `/bin/cat ${root.locate('/stations')} ;;`),
    );
    const server = await startOn(root);
    try {
      const expressions = dashboard.panels.flatMap(({ title, datasource, targets }) => {
        for (const { uid } of [datasource, ...targets.map((target) => target.datasource)]) assert.equal(uid, `\${datasource}`, title);
        return targets.map(({ expr }) => expr);
      });
      assert.ok(expressions.length > 15);
      await eventually(async () => {
        const known = new Set(['up', ...parseExposition((await scrape(server, '')).text).map(({ name }) => name)]);
        const requested = expressions.flatMap((expr) => expr.match(/\b(?:node|apsnap)_\w+|\bup\b/g) ?? []);
        assert.deepEqual(
          [...new Set(requested)].filter((name) => !known.has(name)),
          [],
        );
      });
      const rules = expressions.map((expr, index) => {
        const whole = expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', 'apsnap').replaceAll('$instance', '.*');
        return `      - record: panel_${index}\n        expr: ${JSON.stringify(whole)}\n`;
      });
      const file = folder.write('panels.yml', `groups:\n  - name: panels\n    rules:\n${rules.join('')}`);
      const { status, stdout, stderr } = await run('promtool', ['check', 'rules', file]);
      assert.equal(status, 0, `${stdout}${stderr}`);
    } finally {
      await server.stop();
      root.remove();
    }
  });
});

describe('a fleet of 20 access points', { timeout: 60_000 }, () => {
  const SIZE = 20;
  const KEY = 'the-key-that-all-of-the-fleet-have';
  let roots: Root[] = [];
  let fleet: TestServer[] = [];
  let folder: Folder;
  let prometheus: Database;
  let store: Database;

  before(async () => {
    folder = createFolder();
    roots = Array.from({ length: SIZE }, (_, index) => {
      const root = createAccessPoint();
      root.write('/proc/sys/kernel/hostname', `ap-${index}\n`);
      root.write('/sys/class/thermal/thermal_zone0/temp', `${40_000 + index * 500}\n`);
      return root;
    });
    const start = (root: Root) =>
      startServer({ args: ['--path.rootfs', root.folder, '--threads', '1'], env: { PATH: root.path, RASPAP_API_KEY: KEY } });
    const started = await Promise.allSettled(roots.map(start));
    fleet = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    store = await startVictoriaMetrics(folder);
    const sites = configuration('access-points.yml', {
      "'10.3.141.1:8081', '10.3.142.1:8081'": fleet
        .slice(0, 15)
        .map((server) => `'${hostOf(server)}'`)
        .join(', '),
      "'10.3.143.1:8081'": fleet
        .slice(15, 19)
        .map((server) => `'${hostOf(server)}'`)
        .join(', '),
    });
    const config = configuration('prometheus.yml of a fleet', {
      'scrape_interval: 15s': 'scrape_interval: 1s',
      '/etc/prometheus/alerts.yml': folder.write('alerts.yml', ALERTS),
      '/etc/prometheus/apsnap.key': folder.write('apsnap.key', KEY),
      '/etc/prometheus/access-points.yml': folder.write('access-points.yml', sites),
      'http://127.0.0.1:8428': store.url,
    });
    prometheus = await startPrometheus(folder, config);
  });

  after(async () => {
    await Promise.all([prometheus, store, ...fleet].map((each) => each?.stop()));
    for (const root of roots) root.remove();
    folder?.remove();
  });

  test('one Prometheus scrapes all, including one that is added while it runs', async () => {
    await eventually(async () => assert.equal((await prometheus.query('up{job="apsnap"} == 1')).length, 19), 20_000);
    const file = join(folder.path, 'access-points.yml');
    const added = `${readFileSync(file, 'utf8')}- targets: ['${hostOf(fleet[19] as TestServer)}']\n  labels:\n    site: attic\n`;
    folder.write('access-points.yml', added);
    await eventually(async () => {
      const bySite = await prometheus.query('sum by (site) (apsnap_ap_clients)');
      assert.deepEqual(Object.fromEntries(bySite.map(({ labels, value }) => [labels.site, value])), { hostel: 15, library: 4, attic: 1 });
    }, 20_000);
  });

  test('VictoriaMetrics stores the metrics of all', async () => {
    const expected = fleet.map((server, index) => [hostOf(server), `ap-${index}`, 40 + index / 2]);
    await eventually(async () => {
      // Export rows instead of a query: queries leave out the last 30 s.
      const text = await (await fetch(`${store.url}/api/v1/export?match[]=node_thermal_zone_temp&match[]=node_uname_info`)).text();
      const rows = text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { metric: Record<string, string>; values: number[] });
      const found = expected.map(([instance]) => {
        const own = rows.filter(({ metric }) => metric.instance === instance);
        const uname = own.find(({ metric }) => metric.__name__ === 'node_uname_info');
        const temperature = own.find(({ metric }) => metric.__name__ === 'node_thermal_zone_temp');
        return [instance, uname?.metric.nodename, temperature?.values.at(-1)];
      });
      assert.deepEqual(found, expected);
    }, 25_000);
  });

  test('when one stops, it is down and its series end', async () => {
    const gone = fleet[0] as TestServer;
    await gone.stop();
    await eventually(async () => {
      assert.deepEqual(
        (await prometheus.query('up{job="apsnap"} == 0')).map(({ labels }) => labels.instance),
        [hostOf(gone)],
      );
      assert.deepEqual(await prometheus.query(`{instance="${hostOf(gone)}",__name__=~"node_.*|apsnap_.*"}`), []);
    });
  });
});

// Metrics as text, and what /metrics makes of them.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import Koa from 'koa';
import type { CollectorName } from '../../src/collectors/index.js';
import { parseRootMount } from '../../src/collectors/system/disk.js';
import { meminfoFamilies } from '../../src/collectors/system/memory.js';
import { stations } from '../../src/collectors/wifi/stations.js';
import { clients } from '../../src/documents/clients.js';
import { joinFamilies, METRICS_END, type MetricsFormat, renderFamilies } from '../../src/encode/prometheus.js';
import { Store } from '../../src/engine/store.js';
import { HttpProblem } from '../../src/http/responses/problem.js';
import { createMetrics, preferredFormat } from '../../src/http/routes/metrics.js';
import { gauge, type MetricFamily, type MetricSample } from '../../src/model/metrics.js';
import { blockedNames, parseDomains, parseHostnames } from '../../src/parse/blocklist.js';
import { anyCharacter } from '../support/arbitraries.js';
import { eventually } from '../support/eventually.js';
import { parseExposition, valuesOf } from '../support/exposition.js';
import { fixture, machineOf } from '../support/fixture.js';
import { type Answer, type Asking, ask } from '../support/http.js';
import { composedReport, GOOD, idleScheduler, sampleReport } from '../support/reports.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { firstSample } from '../support/sample.js';
import { startServer, type TestServer } from '../support/server.js';

const FORMATS: readonly MetricsFormat[] = ['prometheus', 'openmetrics'];

function render(families: readonly MetricFamily[], format: MetricsFormat): string {
  return joinFamilies(renderFamilies(families), format) + METRICS_END[format];
}

describe('text', () => {
  const families: MetricFamily[] = [
    { name: 'node_cpu_seconds_total', help: 'Line\nand \\ "quote".', type: 'counter', samples: [{ labels: { cpu: '0' }, value: 1.5 }] },
    { name: 'node_uname_info', help: 'Info.', type: 'info', samples: [{ labels: { release: '6.1' }, value: 1 }] },
    gauge('node_load1', '1m load average.', 0.25),
    gauge('node_load5', 'left out', null),
  ];

  test('prometheus', () => {
    assert.equal(
      render(families, 'prometheus'),
      [
        '# HELP node_cpu_seconds_total Line\\nand \\\\ "quote".',
        '# TYPE node_cpu_seconds_total counter',
        'node_cpu_seconds_total{cpu="0"} 1.5',
        '# HELP node_uname_info Info.',
        '# TYPE node_uname_info gauge',
        'node_uname_info{release="6.1"} 1',
        '# HELP node_load1 1m load average.',
        '# TYPE node_load1 gauge',
        'node_load1 0.25',
        '',
      ].join('\n'),
    );
  });

  test('openmetrics', () => {
    assert.equal(
      render(families, 'openmetrics'),
      [
        '# HELP node_cpu_seconds Line\\nand \\\\ \\"quote\\".',
        '# TYPE node_cpu_seconds counter',
        '# UNIT node_cpu_seconds seconds',
        'node_cpu_seconds_total{cpu="0"} 1.5',
        '# HELP node_uname Info.',
        '# TYPE node_uname info',
        'node_uname_info{release="6.1"} 1',
        '# HELP node_load1 1m load average.',
        '# TYPE node_load1 gauge',
        'node_load1 0.25',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  test('numbers', () => {
    const values = [0, -0, 1e21, 5e-324, -20, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_SAFE_INTEGER];
    for (const value of values) {
      const text = render([gauge('a', 'b', value)], 'prometheus');
      assert.match(text, /^a (?:-?[\d.]+(?:e[+-]\d+)?|NaN|[+-]Inf)$/m);
      assert.equal(parseExposition(text)[0]?.value, value === 0 ? 0 : value);
    }
  });

  test('series of one family from two places stand under one head', () => {
    const lists = [blockedNames('domains', list(parseDomains, 'local=/a.example/b.example/\n')), gauge('other', 'Other.', 1)];
    const rendered = [...renderFamilies(lists), ...renderFamilies([blockedNames('hostnames', list(parseHostnames, ''))])];
    assert.equal(
      joinFamilies(rendered, 'prometheus'),
      [
        '# HELP apsnap_blocked_names Number of blocked names.',
        '# TYPE apsnap_blocked_names gauge',
        'apsnap_blocked_names{list="domains"} 2',
        'apsnap_blocked_names{list="hostnames"} 0',
        '# HELP other Other.',
        '# TYPE other gauge',
        'other 1',
        '',
      ].join('\n'),
    );
  });

  test('any text survives in a label', () => {
    const samples = fc.array(fc.dictionary(fc.constantFrom('a', 'b_1', 'hostname'), fc.string({ unit: anyCharacter })), { minLength: 1 });
    fc.assert(
      fc.property(samples, fc.string({ unit: anyCharacter }), (all, help) => {
        const family = { name: 'x', help, type: 'gauge', samples: all.map((labels): MetricSample => ({ labels, value: 1 })) } as const;
        for (const format of FORMATS) {
          // Through UTF-8, as it is sent.
          const text = Buffer.from(render([family], format)).toString('utf8');
          assert.deepEqual(
            parseExposition(text).map(({ labels }) => labels),
            all.map((labels) => ({ ...labels })),
          );
        }
      }),
    );
  });

  function list(parse: typeof parseDomains, text: string): Uint8Array {
    return parse(text.length, [Buffer.from(text)], 'a list');
  }
});

describe('families', () => {
  test('any line of meminfo gives a name that Prometheus takes, or none', () => {
    const names = (text: string) => meminfoFamilies(text).map(({ name }) => name);
    assert.deepEqual(names('Active(anon):  1 kB\nHugePages_Total:   0\nMemTotal: 2 kB\n'), [
      ...['node_memory_Active_anon_bytes', 'node_memory_HugePages_Total', 'node_memory_MemTotal_bytes'],
    ]);
    assert.deepEqual(names('A(b): 1 kB\nA_b: 2 kB\n__proto__: 1 kB\nA((: 1 kB\nA b: 1 kB\nA: 1 MB\nA: -1 kB\nA:1 kB\n\0: 1 kB\n'), [
      ...['node_memory_A_b_bytes', 'node_memory___proto___bytes'],
    ]);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('A', '(', ')', ':', ' ', '1', 'kB', '\n', '_', '\0') }), (text) => {
        for (const name of names(text)) assert.match(name, /^[a-zA-Z_]\w*$/);
        assert.equal(new Set(names(text)).size, names(text).length);
      }),
    );
  });

  test('a mount table that is none', () => {
    for (const text of ['', '\n', '22 1 179:2 / / rw\n', '22 1 179:2 / /x rw - ext4 /dev/a rw\n', ' / / - \n', '\0'.repeat(100)])
      assert.equal(parseRootMount(text), undefined);
    const startMs = performance.now();
    for (const part of ['1 1 a b / ', '1 1 a b / x - ', '1 1 ', ' - ', '1 '.repeat(10)]) {
      parseRootMount(part.repeat(200_000));
      parseRootMount(`${part}\n`.repeat(200_000));
    }
    assert.ok(performance.now() - startMs < 3_000);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('1', ' ', '/', '-', 'a', '\n', '\\040') }), (text) => void parseRootMount(text)),
    );
  });

  test('stations: the first by address, whatever order the driver has; their number is of all', async () => {
    const host = machineOf(fixture('stations', 'n100'));
    const told = async (maxStationMetrics: number) => {
      const { metrics } = await stations.read(host, { ...firstSample, maxStationMetrics });
      return parseExposition(render(metrics?.() ?? [], 'prometheus'));
    };
    const macs = async (most: number) => [...valuesOf(await told(most), 'node_wifi_station_signal_dbm', 'mac_address').keys()];
    assert.deepEqual(await macs(2), ['02:00:00:00:01:00', '02:00:00:00:02:00']);
    const all = await macs(1_000);
    assert.equal(all.length, 100);
    assert.deepEqual(all, all.toSorted());
    assert.deepEqual(
      (await told(0)).map(({ name, value }) => [name, value]),
      [
        ['node_wifi_interface_frequency_hertz', 2_437_000_000],
        ['apsnap_ap_clients', 100],
      ],
    );
  });

  test('clients: one series for each address, the first by address', () => {
    const client = (mac: string, ip: string | null) => ({ mac_address: mac, ip_address: ip, hostname: null });
    const active = [client('02:00:00:00:00:02', '10.0.0.2'), client('02:00:00:00:00:01', null), client('02:00:00:00:00:02', '10.0.0.3')];
    const value = { active_clients: active } as unknown as Parameters<NonNullable<typeof clients.metrics>>[0];
    const told = (most: number) => parseExposition(render(clients.metrics?.(value, most) ?? [], 'prometheus')).map(({ labels }) => labels);
    assert.deepEqual(told(10), [
      { mac_address: '02:00:00:00:00:01', ip: '', hostname: '' },
      { mac_address: '02:00:00:00:00:02', ip: '10.0.0.2', hostname: '' },
    ]);
    assert.equal(told(1).length, 1);
    assert.deepEqual(told(0), []);
  });
});

describe('accept', () => {
  const prometheus2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const prometheus3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';
  const cases: Readonly<Record<MetricsFormat, readonly string[]>> = {
    openmetrics: [
      prometheus2,
      prometheus3,
      `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,${prometheus3}`,
      'application/openmetrics-text',
      'Application/OpenMetrics-Text; Version="1.0.0"',
      'application/openmetrics-text; version=1.0.0; charset=utf-8, */*',
      'application/openmetrics-text;q=0.2, text/plain;q=0.1, */*',
      'application/openmetrics-text;q=0.5, text/plain;q=0, */*;q=0.9',
    ],
    prometheus: [
      '',
      '*/*',
      'text/plain',
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'text/plain;version=0.0.4;q=1,*/*;q=0.1',
      'application/openmetrics-text;q=0',
      'application/openmetrics-text;q=x',
      'application/openmetrics-text;version=0.0.1',
      'application/openmetrics-text;version=2.0.0,text/plain;q=0.1',
      'application/openmetrics-text;q=0.3,text/plain;q=0.4',
      'application/json',
      ','.repeat(10_000),
    ],
  };
  for (const format of FORMATS) {
    for (const header of cases[format]) test(`${format}/${header.slice(0, 120)}`, () => assert.equal(preferredFormat(header), format));
  }
});

describe('joined', () => {
  /** A store that knows samples of some collectors, served. */
  async function serve(context: TestContext, store: Store): Promise<(path: string, asking?: Asking) => Promise<Answer>> {
    const app = new Koa();
    app.use(async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        if (!(error instanceof HttpProblem)) throw error;
        ctx.status = error.status;
        ctx.body = error.message;
      }
    });
    const server = createServer(app.use(createMetrics(store, idleScheduler)).callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => server.close());
    return (path, asking) => ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, path, asking);
  }

  function sampled(store: Store, name: CollectorName, families: readonly MetricFamily[]): void {
    store.record({ samples: [sampleReport(name, GOOD, 1.234)], documents: [], metrics: new Map([[name, renderFamilies(families)]]) });
  }

  test('collectors in order, then their own metrics', async (context) => {
    const store = new Store();
    const get = await serve(context, store);
    store.setInterval('load', 1_000);
    sampled(store, 'memory', [gauge('of_memory', 'b', 2)]);
    sampled(store, 'load', [gauge('of_load', 'a', 1)]);
    const { text, headers, status } = await get('/metrics?collect[]=load&collect[]=memory&collect=cpu&collect=load');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-store');
    const series = parseExposition(text);
    assert.deepEqual(
      series.slice(0, 2).map(({ name }) => name),
      ['of_load', 'of_memory'],
    );
    const success = valuesOf(series, 'apsnap_collector_success', 'collector');
    assert.deepEqual(Object.fromEntries(success), { load: 1, cpu: 0, memory: 1 });
    assert.deepEqual(Object.fromEntries(valuesOf(series, 'apsnap_collector_interval_seconds', 'collector')), { load: 1 });
    assert.deepEqual(Object.fromEntries(valuesOf(series, 'apsnap_collector_duration_seconds', 'collector')), {
      load: 0.001234,
      memory: 0.001234,
    });
    const at = valuesOf(series, 'apsnap_collector_last_success_timestamp_seconds', 'collector');
    assert.deepEqual([...at.keys()], ['load', 'memory']);
    assert.ok(Math.abs((at.get('load') ?? 0) - Date.now() / 1000) < 5);
  });

  test('OpenMetrics ends, and is told apart', async (context) => {
    const store = new Store();
    const get = await serve(context, store);
    const { text, headers } = await get('/metrics?collect=load', { headers: { accept: 'application/openmetrics-text' } });
    assert.equal(headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.match(String(headers.vary), /Accept\b.*Accept-Encoding/);
    assert.ok(text.endsWith('\n# EOF\n'));
    assert.doesNotMatch((await get('/metrics?collect=load')).text, /EOF/);
  });

  test('what nobody has a name for is refused', async (context) => {
    const get = await serve(context, new Store());
    for (const path of [
      '/metrics?collect[]=nope',
      '/metrics?collect=',
      '/metrics?collect[]=load&collect[]=__proto__',
      '/metrics?collect%5B%5D=a',
    ]) {
      const { status, text } = await get(path);
      assert.equal(status, 400, path);
      assert.match(text, /^no collector ".*": expected clock, load, .*, clients, .*, process$/);
    }
    for (const path of ['/metrics?collect[]=clients', '/metrics?collect%5B%5D=dns/domains', '/metrics?collect=process', '/metrics?x=y'])
      assert.equal((await get(path)).status, 200, path);
  });

  test('prom-client reports the process, under names that no other metric has and both formats allow', async (context) => {
    const get = await serve(context, new Store());
    const { text } = await get('/metrics?collect[]=process');
    const names = new Set(parseExposition(text).map(({ name }) => name));
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_heap_size_used_bytes'])
      assert.ok(names.has(name), name);
    for (const name of names) assert.match(name, /^(?:process|nodejs)_/);
    for (const [, name] of text.matchAll(/^# TYPE (\S+) gauge$/gm)) assert.doesNotMatch(name ?? '', /_total$/);
    const [, version] = /nodejs_version_info\{version="([^"]+)",major="\d+",/.exec(text) ?? [];
    assert.equal(version, process.version);
  });

  test('the same text until something changes', async (context) => {
    const store = new Store();
    const get = await serve(context, store);
    const path = '/metrics?collect=load&collect=process';
    const cpu = async (headers = {}) => {
      const { body, headers: got } = await get(path, { headers });
      return (got['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
    };
    const first = await cpu();
    const [second, packed] = await Promise.all([cpu(), cpu({ 'accept-encoding': 'gzip' })]);
    assert.equal(second, first);
    assert.equal(packed, first);
    sampled(store, 'memory', []);
    assert.notEqual(await cpu(), first);
  });

  test('what was not sampled for three intervals is left out, though nothing happens', async (context) => {
    const store = new Store();
    const get = await serve(context, store);
    store.setInterval('load', 1_000);
    store.setInterval('stations', 1_000);
    store.setInterval('interfaces', 60_000);
    sampled(store, 'load', [gauge('of_load', 'a', 1)]);
    for (const name of ['interfaces', 'stations', 'leases', 'neighbours'] as const) sampled(store, name, []);
    const info = { name: 'of_clients_info', help: 'c', type: 'info', samples: [{ labels: { a: 'b' }, value: 1 }] } as const;
    store.record({ samples: [], documents: [composedReport('clients', [], { metrics: renderFamilies([info]) })] });
    const told = async () => (await get('/metrics')).text;
    assert.match(await told(), /^of_load 1\n[\s\S]*^of_clients_info/m);
    const start = process.hrtime.bigint();
    // A failure is not yet the end of what is known.
    store.record({ samples: [sampleReport('load', { kind: 'failed', code: 'malformed', message: 'no load' })], documents: [] });
    context.mock.method(process.hrtime, 'bigint', () => start + 6_900_000_000n);
    assert.match(await told(), /^of_load 1\n[\s\S]*^apsnap_collector_success\{collector="load"\} 0\n/m);
    context.mock.method(process.hrtime, 'bigint', () => start + 8_000_000_000n);
    const late = await told();
    assert.doesNotMatch(late, /^of_/m);
    assert.match(late, /^apsnap_collector_last_success_timestamp_seconds\{collector="load"\} \d/m);
    assert.match(late, /^apsnap_collector_success\{collector="stations"\} 0\n/m);
    assert.match(late, /^apsnap_collector_success\{collector="interfaces"\} 1\n/m);
  });
});

describe('served', () => {
  let root: Root;
  let server: TestServer;
  let without: TestServer;

  before(async () => {
    root = createAccessPoint();
    const args = ['--path.rootfs', root.folder];
    server = await startServer({ args, env: { PATH: root.path } });
    without = await startServer({ args: [...args, '--metrics.stations=off'], env: { PATH: root.path } });
  });

  after(async () => {
    await Promise.all([server, without].map((each) => each?.stop()));
    root.remove();
    for (const each of [server, without]) assert.doesNotMatch(each?.output() ?? '', /ERROR/);
  });

  const get = ({ url, key }: TestServer, path = '/metrics', headers = {}) => ask(url, path, { headers: { access_token: key, ...headers } });

  test('with the key, as everywhere', async () => {
    assert.equal((await ask(server.url, '/metrics')).status, 403);
    assert.equal((await get(server, '/metrics?collect[]=nope')).headers['content-type'], 'application/problem+json');
    for (const headers of [{ authorization: `Bearer ${server.key}` }, { access_token: server.key }])
      assert.equal((await ask(server.url, '/metrics', { headers })).status, 200);
    const head = await ask(server.url, '/metrics', { method: 'HEAD', headers: { access_token: server.key } });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
  });

  test('compressed for who takes it', async () => {
    const { headers, body } = await get(server, '/metrics', { 'accept-encoding': 'gzip' });
    assert.equal(headers['content-encoding'], 'gzip');
    assert.ok(parseExposition(gunzipSync(body).toString('utf8')).length > 50);
  });

  test('a station that left is gone with its series, and what is off was never there', async () => {
    const told = async (each: TestServer) => parseExposition((await get(each)).text);
    const refresh = () =>
      Promise.all(
        [server, without].map(({ url, key }) => ask(url, '/snapshot/refresh', { method: 'POST', headers: { access_token: key } })),
      );
    await eventually(async () => {
      const series = await told(server);
      assert.deepEqual([...valuesOf(series, 'node_wifi_station_signal_dbm', 'mac_address')], [['02:00:00:00:03:00', -20]]);
      assert.deepEqual([...valuesOf(series, 'apsnap_client_info', 'hostname').keys()], ['living-room-tv']);
      assert.deepEqual([...valuesOf(series, 'apsnap_ap_clients', 'device')], [['wlan0', 1]]);
      assert.deepEqual([...valuesOf(series, 'node_thermal_zone_temp', 'zone')], [['0', 48.31]]);
      assert.deepEqual([...valuesOf(series, 'apsnap_dhcp_leases')], [['', 2]]);
      assert.deepEqual([...valuesOf(await told(without), 'apsnap_ap_clients', 'device')], [['wlan0', 1]]);
    });
    for (const name of ['node_wifi_station_signal_dbm', 'apsnap_client_info']) assert.equal(valuesOf(await told(without), name).size, 0);
    root.program(
      'iw',
      root
        .read('/bin/iw')
        .toString('utf8')
        .replace(/printf 'Station.*/, ': ;;'),
    );
    await refresh();
    const series = await told(server);
    assert.deepEqual([...valuesOf(series, 'apsnap_ap_clients', 'device')], [['wlan0', 0]]);
    assert.equal(series.filter(({ name }) => /^node_wifi_station|^apsnap_client_info/.test(name)).length, 0);
  });

  test('no family, no series twice, in either format', async () => {
    for (const accept of ['text/plain', 'application/openmetrics-text']) {
      const { text } = await get(server, '/metrics', { accept });
      const heads = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
      assert.equal(new Set(heads).size, heads.length);
      const series = parseExposition(text).map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]));
      assert.equal(new Set(series).size, series.length);
    }
  });
});

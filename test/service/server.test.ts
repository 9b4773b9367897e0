// The built service over a real socket, on this machine's own /proc.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { documents as definitions } from '../../src/documents/index.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Asking, ask, exchange } from '../support/http.js';
import { createRoot, type Root } from '../support/root.js';
import { startServer, startServers, type TestServer } from '../support/server.js';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ORIGIN = 'https://dashboard.example';
const NAMES = definitions.map(({ name }) => name);

interface Snapshot {
  readonly generation: number;
  readonly sampledAt: string;
  readonly documents: Readonly<
    Record<string, { state: string; sampledAt: string; error: null | { code: string; message: string }; data: unknown }>
  >;
}

interface Refreshed {
  readonly generation: number;
  readonly documents: Readonly<Record<string, { state: string; sampledAt: string; error: unknown }>>;
}

/** Asks with the key. */
function askAs({ url, key }: TestServer, path: string, { headers, ...asking }: Asking = {}): Promise<Answer> {
  return ask(url, path, { ...asking, headers: { access_token: key, ...headers } });
}

function refresh(
  server: TestServer,
  body: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  return askAs(server, '/snapshot/refresh', { method: 'POST', body, headers });
}

function assertProblem(answer: Answer, status: number, detail: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const problem = answer.json();
  assert.equal(problem.type, 'about:blank');
  assert.equal(problem.status, status);
  assert.match(String(problem.title), /^[A-Z]/);
  assert.match(String(problem.detail), detail);
}

/** The headers that say something of the document. */
function documentHeaders({ headers }: Answer): Record<string, unknown> {
  const { date, connection, 'keep-alive': keepAlive, ...rest } = headers;
  return rest;
}

let server: TestServer;
let open: TestServer;
let root: Root;
let big: TestServer;

before(async () => {
  // Documents that are long enough to be compressed, and interfaces with names that want encoding.
  root = createRoot();
  for (const name of ['br-lan', 'wlan%0', 'wlan0.1', 'é']) root.write(`/sys/class/net/${name}/ifindex`, '7\n');
  const leases = Array.from({ length: 200 }, (_, n) => `1795500557 02:00:00:00:00:${hex(n)} 10.3.141.${n + 1} host-${n} *\n`);
  root.write('/var/lib/misc/dnsmasq.leases', leases.join(''));
  [server, open, big] = await startServers(
    {},
    { args: ['--cors-origin', ORIGIN, '--cors-origin', 'http://10.3.141.1:8000'] },
    { args: ['--path.rootfs', root.folder], env: { PATH: root.path } },
  );
  await eventually(async () => {
    for (const each of [server, open, big]) assert.equal((await ask(each.url, '/readyz')).status, 200);
  });
});

after(async () => {
  const servers = [server, open, big].filter(Boolean);
  const ends = await Promise.all(servers.map((each) => each.stop()));
  root.remove();
  for (const end of ends) assert.equal(end, 0);
  for (const each of servers) assert.doesNotMatch(each.output(), /ERROR|\bat .*\.js:\d+/, 'no request brought a defect to light');
});

function hex(n: number): string {
  return n.toString(16).padStart(2, '0');
}

describe('documents', { concurrency: true }, () => {
  test('system/as-the-machine-says', async () => {
    const stdout = async (program: string, ...args: string[]) => (await run(program, args)).stdout.trim();
    // Programs and sample are some milliseconds apart, in which a minute may end: then once more.
    await eventually(async () => {
      await refresh(server, '{"documents":["system"]}');
      const [answer, hostname, kernel, processors, uptime, df, free, date] = await Promise.all([
        askAs(server, '/system'),
        stdout('hostname'),
        stdout('uname', '-r'),
        stdout('nproc', '--all'),
        stdout('uptime', '-p'),
        stdout('df', '/'),
        stdout('free', '-b'),
        stdout('date', '+%a %-d %b %H:%M:%S %Z %Y'),
      ]);
      const system = answer.json();
      assert.equal(system.hostname, hostname);
      assert.equal(system.kernelVersion, kernel);
      assert.equal(system.processorCount, Number(processors));
      assert.equal(system.uptime, uptime);
      assert.equal(system.usedDisk, Number(/(\d+)% \/$/m.exec(df)?.[1]));
      const [, total = '', ...others] = /^Mem: .*$/m.exec(free)?.[0].split(/ +/) ?? [];
      const used = 100 * (1 - Number(others.at(-1)) / Number(total));
      assert.ok(Math.abs(Number(system.usedMemory) - used) < 0.5, `${system.usedMemory} and ${used} percent of the memory`);
      assert.equal(system.systime, date);
    });
  });

  test('system/shape', async () => {
    const system = (await askAs(server, '/system')).json();
    const { LoadAvg1Min: load, processorCount: processors, systemLoadPercentage: percentage } = system;
    assert.equal(percentage, Math.round((10_000 * Number(load)) / Number(processors)) / 100);
    for (const name of ['systemTemperature', 'hostapdStatus', 'operatingSystem', 'rpiRevision', 'raspapVersion']) {
      assert.ok(name in system, name);
    }
    const used = Number(system.usedMemory);
    assert.equal(used, Number(used.toFixed(2)));
    assert.ok(used > 0 && used < 100);
  });

  test('clients/amounts-are-lengths', async () => {
    for (const each of [server, big]) {
      const clients = (await askAs(each, '/clients')).json<Record<string, number> & { active_clients: { connection_type: string }[] }>();
      const { active_clients: active } = clients;
      assert.equal(clients.active_clients_amount, active.length);
      assert.equal(clients.active_wireless_clients_amount, active.filter((row) => row.connection_type === 'wireless').length);
      assert.equal(clients.active_ethernet_clients_amount, active.filter((row) => row.connection_type === 'ethernet').length);
    }
    const { inactive_clients: inactive } = (await askAs(big, '/clients')).json<{ inactive_clients: unknown[] }>();
    assert.equal(inactive.length, 200);
  });

  test('clients/loopback', async () => {
    const answer = await askAs(server, '/clients/lo');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { active_clients_amount: 0, active_clients: [] });
  });

  test('clients/unknown-interface', async () => {
    assertProblem(await askAs(server, '/clients/wlan99'), 404, /no such interface/);
  });

  for (const name of ['wlan%250', 'wlan0.1', 'br-lan', 'br%2Dlan', 'br%2dlan', '%62r-lan', '%C3%A9', '%c3%a9']) {
    test(`clients/encoded ${name}`, async () => {
      for (const path of [`/clients/${name}`, `/clients/${name}/`, `/clients/${name}?x=1`]) {
        const answer = await askAs(big, path);
        assert.equal(answer.status, 200, path);
        assert.equal(answer.json().active_clients_amount, 0);
      }
    });
  }

  const nowhere = [
    '..',
    '../system',
    '%2e%2e',
    '.',
    '%2f',
    '%2F',
    'lo%2f',
    'lo%00',
    '%00',
    '%',
    '%zz',
    '%c3%28',
    '%ff',
    'lo/lo',
    'lo//',
    '/',
    '*',
    'LO',
    '%20lo',
    ':interface',
    '__proto__',
    'constructor',
  ];
  for (const name of [...nowhere, 'a'.repeat(10_000), '%61'.repeat(3_300), '/'.repeat(5_000)]) {
    test(`clients/not-there ${name.slice(0, 20)}`, async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await askAs(server, `/clients/${name}`, { method });
        assert.equal(answer.status, 404, answer.text);
        assert.equal(answer.headers['content-type'], 'application/problem+json');
      }
    });
  }

  test('path/trailing-slash', async () => {
    for (const path of ['/system/', '/clients/', '/clients/lo/', '/snapshot/']) {
      const answer = await askAs(server, path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers['sample-state'], 'fresh', path);
    }
  });

  test('path/query-is-ignored', async () => {
    for (const path of [
      '/system?x=1',
      '/system?',
      '/clients?documents=nope',
      '/clients/lo?a=b&a=c',
      '/system/?%',
      '/system?__proto__=1',
      '/snapshot?x=%ff',
    ]) {
      const answer = await askAs(server, path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers['sample-state'], 'fresh', path);
    }
  });

  test('path/absolute-form', async () => {
    const answer = await askAs(server, 'http://whoever.example/system');
    assert.equal(answer.status, 200);
    assert.ok('hostname' in answer.json());
  });

  test('path/case-and-doubled-slashes-are-other-paths', async () => {
    for (const path of ['/System', '//system', '/system//', '/systemx', '/clientslo', '/system/x', '/snapshot/x']) {
      assertProblem(await askAs(server, path), 404, /./);
    }
  });
});

describe('headers', { concurrency: true }, () => {
  const paths = ['/system', '/clients', '/clients/lo', '/system/', '/snapshot', '/snapshot?documents=system'];

  for (const path of paths) {
    test(`headers/well-formed ${path}`, async () => {
      const askedMs = Date.now();
      const answer = await askAs(server, path);
      const { headers } = answer;
      assert.equal(answer.status, 200);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['content-length'], String(answer.body.length));
      assert.match(headers.etag ?? '', /^"[\x21\x23-\x7e]+"$/);
      assert.equal(headers['sample-state'], 'fresh');
      assert.equal(headers['cache-control'], 'private, no-cache');
      assert.equal(headers.vary, 'Accept-Encoding');
      const modified = headers['last-modified'] ?? '';
      assert.equal(new Date(modified).toUTCString(), modified);
      const sampledAt = String(headers['sampled-at']);
      assert.match(sampledAt, RFC3339);
      // Every part is sampled at least twice a minute.
      assert.ok(Date.parse(sampledAt) > askedMs - 32_000 && Date.parse(sampledAt) < Date.now() + 1, sampledAt);
      assert.ok(Date.parse(modified) <= Date.parse(sampledAt), `${modified}, ${sampledAt}`);
    });

    test(`headers/head ${path}`, async () => {
      await eventually(async () => {
        const [get, head] = await Promise.all([askAs(server, path), askAs(server, path, { method: 'HEAD' })]);
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        assert.deepEqual(documentHeaders(head), documentHeaders(get));
      });
    });
  }

  test('headers/last-modified-stays-while-the-bytes-do', async () => {
    const first = await askAs(big, '/clients');
    await refresh(big, '{"documents":["clients"]}');
    const second = await askAs(big, '/clients');
    assert.notEqual(second.headers['sampled-at'], first.headers['sampled-at']);
    assert.equal(second.headers['last-modified'], first.headers['last-modified']);
    assert.equal(second.headers.etag, first.headers.etag);
  });
});

describe('etag', { concurrency: true }, () => {
  /** Takes a tag and asks with it again; what moves meanwhile is tried once more. */
  async function matches(
    each: TestServer,
    path: string,
    ifNoneMatch: (etag: string) => string,
    headers = {},
    method = 'GET',
  ): Promise<Answer> {
    const { headers: first } = await askAs(each, path, { headers });
    return askAs(each, path, { method, headers: { ...headers, 'if-none-match': ifNoneMatch(first.etag ?? '') } });
  }
  const same: Readonly<Record<string, (etag: string) => string>> = {
    exact: (etag) => etag,
    weak: (etag) => `W/${etag}`,
    list: (etag) => `"one", ${etag},"three"`,
    'weak-list': (etag) => `W/"one",W/${etag}`,
    any: () => '*',
  };

  for (const path of ['/system', '/clients', '/clients/lo', '/clients/', '/snapshot', '/snapshot?documents=clients,system']) {
    for (const [name, header] of Object.entries(same)) {
      test(`etag/${name} ${path}`, async () => {
        for (const method of ['GET', 'HEAD']) {
          const answer = await eventually(async () => {
            const tried = await matches(server, path, header, {}, method);
            assert.equal(tried.status, 304);
            return tried;
          }, 3_000);
          assert.equal(answer.body.length, 0);
          const { 'content-type': type, 'content-length': length, 'content-encoding': encoding, ...headers } = answer.headers;
          assert.deepEqual([type, length, encoding], [undefined, undefined, undefined]);
          for (const kept of ['etag', 'last-modified', 'sampled-at', 'sample-state', 'cache-control', 'vary'])
            assert.ok(headers[kept], kept);
        }
      });
    }
  }

  test('etag/other', async () => {
    for (const header of [
      () => '"other"',
      () => '""',
      (etag: string) => etag.slice(1, -1),
      (etag: string) => `"x${etag.slice(1)}`,
      () => '',
    ]) {
      assert.equal((await matches(server, '/clients/lo', header)).status, 200);
    }
  });

  test('etag/one-for-each-encoding', async () => {
    const gzip = { 'accept-encoding': 'gzip' };
    const [plain, packed] = await Promise.all([askAs(big, '/clients'), askAs(big, '/clients', { headers: gzip })]);
    assert.notEqual(plain.headers.etag, packed.headers.etag);
    assert.equal((await matches(big, '/clients', (etag) => etag, gzip)).status, 304);
    assert.equal((await askAs(big, '/clients', { headers: { ...gzip, 'if-none-match': plain.headers.etag } })).status, 200);
    assert.equal((await askAs(big, '/clients', { headers: { 'if-none-match': packed.headers.etag } })).status, 200);
    const both = `${plain.headers.etag}, ${packed.headers.etag}`;
    assert.equal((await askAs(big, '/clients', { headers: { 'if-none-match': both } })).status, 304);
  });

  test('etag/without-the-key', async () => {
    const answer = await ask(server.url, '/clients/lo', { headers: { 'if-none-match': '*' } });
    assertProblem(answer, 403, /^403: Unauthorized$/);
  });
});

describe('gzip', { concurrency: true }, () => {
  const wanted = [
    'gzip',
    'GZIP',
    'x-gzip',
    'gzip, deflate, br',
    'deflate, gzip;q=0.5',
    'br;q=1.0, gzip;q=0.8, *;q=0.1',
    '*',
    'br, *;q=0.1',
    'gzip ; q=1',
    'gzip;q=0.001',
  ];
  const unwanted = [
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    'gzip;q=0.0',
    'gzip; q=0, *',
    '*;q=0',
    'gzip;Q=0',
    'deflate, gzip;q=0, identity',
    'gzipped',
    'gzip;q=x',
  ];

  for (const [headers, packed] of [
    ...wanted.map((header) => [header, true] as const),
    ...unwanted.map((header) => [header, false] as const),
  ]) {
    test(`gzip/${headers ?? 'not asked for'}`, async () => {
      for (const path of ['/clients', '/clients/', '/snapshot?documents=clients']) {
        const answer = await askAs(big, path, { headers: headers === undefined ? {} : { 'accept-encoding': headers } });
        assert.equal(answer.headers['content-encoding'], packed ? 'gzip' : undefined, path);
        assert.equal(answer.headers.vary, 'Accept-Encoding');
        assert.equal(answer.headers['content-length'], String(answer.body.length));
        const body = packed ? gunzipSync(answer.body) : answer.body;
        assert.match(body.toString('utf8'), /"host-199"/);
      }
    });
  }

  test('gzip/not-worth-it', async () => {
    const answer = await askAs(server, '/clients/lo', { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(answer.headers['content-encoding'], undefined);
    assert.equal(answer.headers.vary, 'Accept-Encoding');
  });

  test('gzip/head', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const [get, head] = await Promise.all([askAs(big, '/clients', { headers }), askAs(big, '/clients', { method: 'HEAD', headers })]);
    assert.equal(head.headers['content-encoding'], 'gzip');
    assert.equal(head.headers['content-length'], String(get.body.length));
    assert.equal(head.body.length, 0);
  });
});

describe('snapshot', { concurrency: true }, () => {
  const namesOf = async (query: string) => Object.keys((await askAs(server, `/snapshot${query}`)).json<Snapshot>().documents);

  test('snapshot/which-documents', async () => {
    assert.deepEqual(
      await namesOf(''),
      definitions.filter(({ verbatim }) => !verbatim).map(({ name }) => name),
    );
    assert.deepEqual(await namesOf('?documents=clients'), ['clients']);
    assert.deepEqual(await namesOf('?documents=system,clients'), ['system', 'clients']);
    assert.deepEqual(await namesOf('?documents=clients,system'), ['clients', 'system']);
    assert.deepEqual(await namesOf('?documents=system&documents=clients'), ['system', 'clients']);
    assert.deepEqual(await namesOf('?documents=system,system'), ['system']);
    assert.deepEqual(await namesOf('?documents=system%2Cclients'), ['system', 'clients']);
  });

  test('snapshot/unknown-document', async () => {
    for (const query of ['nope', '', 'system,nope', 'system,', 'System', '__proto__', '%00', 'x'.repeat(5_000), ','.repeat(5_000)]) {
      assertProblem(await askAs(server, `/snapshot?documents=${query}`), 400, /^no document ".*": expected system, ap, clients, /s);
    }
  });

  test('snapshot/form', async () => {
    const { generation, sampledAt, documents } = (await askAs(server, '/snapshot')).json<Snapshot>();
    assert.ok(Number.isInteger(generation) && generation > 0);
    assert.match(sampledAt, RFC3339);
    assert.ok(!('dns/domains' in documents) && !('dns/hostnames' in documents), 'block lists must be asked for');
    for (const [name, document] of Object.entries(documents)) {
      assert.deepEqual(Object.keys(document), ['state', 'sampledAt', 'error', 'data'], name);
      assert.equal(document.state, 'fresh', name);
      assert.equal(document.error, null, name);
      assert.match(document.sampledAt, RFC3339);
      assert.ok(document.sampledAt <= sampledAt);
    }
  });

  test('snapshot/consistent-with-the-documents', async () => {
    await eventually(async () => {
      const [snapshot, system, clients] = await Promise.all([
        askAs(server, '/snapshot'),
        askAs(server, '/system'),
        askAs(server, '/clients'),
      ]);
      const { documents } = snapshot.json<Snapshot>();
      // Unless one was sampled between two of the answers.
      assert.equal(documents.system?.sampledAt, system.headers['sampled-at']);
      assert.equal(documents.clients?.sampledAt, clients.headers['sampled-at']);
      assert.deepEqual(documents.system?.data, system.json());
      assert.deepEqual(documents.clients?.data, clients.json());
    });
  });

  test('snapshot/one-generation', async () => {
    const seen = new Map<number, string>();
    let last = 0;
    for (let n = 0; n < 60; n++) {
      const { generation, documents } = (await askAs(server, '/snapshot')).json<Snapshot>();
      assert.ok(generation >= last, `${generation} after ${last}`);
      last = generation;
      const data = JSON.stringify(Object.values(documents).map((document) => [document.state, document.data]));
      assert.equal(seen.get(generation) ?? data, data, `two different snapshots of generation ${generation}`);
      seen.set(generation, data);
      await sleep(20);
    }
    assert.ok(seen.size > 1, 'the time went on');
  });
});

describe('refresh', { concurrency: true }, () => {
  test('refresh/all', async () => {
    const bodies: [string, Record<string, string>, string[]][] = [
      ['', {}, NAMES],
      ['', { 'content-type': 'application/json' }, NAMES],
      ['{}', { 'content-type': 'application/json' }, NAMES],
      ['{}', { 'content-type': 'application/json; charset=utf-8' }, NAMES],
      ['{"documents":["system","clients"]}', { 'content-type': 'Application/JSON' }, ['system', 'clients']],
    ];
    for (const [body, headers, names] of bodies) {
      const askedMs = Date.now();
      const answer = await refresh(server, body, headers);
      assert.equal(answer.status, 200, answer.text);
      const { generation, documents } = answer.json<Refreshed>();
      assert.ok(generation > 0);
      assert.deepEqual(Object.keys(documents), names);
      for (const { state, sampledAt, error } of Object.values(documents)) {
        assert.equal(state, 'fresh');
        assert.equal(error, null);
        assert.ok(Date.parse(sampledAt) >= askedMs, 'sampled since it was asked for');
      }
    }
  });

  test('refresh/one', async () => {
    const answer = await refresh(server, '{"documents":["clients"]}');
    assert.deepEqual(Object.keys(answer.json<Refreshed>().documents), ['clients']);
  });

  test('refresh/shows-at-once', async () => {
    const { documents } = (await refresh(server, '{"documents":["clients"]}')).json<Refreshed>();
    const { headers } = await askAs(server, '/clients');
    assert.ok(String(headers['sampled-at']) >= (documents.clients?.sampledAt ?? '?'));
  });

  test('refresh/chunked', async () => {
    const chunks = ['{"docu', 'ments":["cl', 'ients"]', '}'];
    const answer = await askAs(server, '/snapshot/refresh', {
      method: 'POST',
      body: chunks,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json<Refreshed>().documents), ['clients']);
  });

  test('refresh/unknown-document', async () => {
    assertProblem(await refresh(server, '{"documents":["clients","nope"]}'), 400, /^no document "nope": expected system, ap, clients, /);
  });

  for (const body of [
    '{"documents":"clients"}',
    '{"documents":[1]}',
    '{"documents":[]}',
    '{"documents":null}',
    '{"documents":{}}',
    '[]',
    '["clients"]',
  ]) {
    test(`refresh/wrong-type ${body}`, async () => {
      assertProblem(await refresh(server, body), 400, /expected \{"documents":\["clients"\]\}/);
    });
  }

  for (const body of ['{"documents":', 'clients', '"clients"', '1', 'null', ' ', '{"documents":["clients"]}x', '\0', '['.repeat(60_000)]) {
    test(`refresh/bad-json ${JSON.stringify(body.slice(0, 20))}`, async () => {
      assertProblem(await refresh(server, body), 400, /JSON/);
    });
  }

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/ld+json', 'nonsense', undefined]) {
    test(`refresh/not-json ${type}`, async () => {
      const headers: Record<string, string> = type ? { 'content-type': type } : {};
      assertProblem(await refresh(server, '{"documents":["clients"]}', headers), 415, /application\/json/);
      const chunked = await askAs(server, '/snapshot/refresh', { method: 'POST', body: ['{', '}'], headers });
      assertProblem(chunked, 415, /application\/json/);
    });
  }

  test('refresh/too-long', async () => {
    const headers = { 'content-type': 'application/json' };
    const long = JSON.stringify({ documents: ['clients'], padding: 'x'.repeat(70_000) });
    assertProblem(await refresh(server, long), 413, /65536 bytes/);
    const chunks = [long.slice(0, 30_000), long.slice(30_000, 60_000), long.slice(60_000)];
    assertProblem(await askAs(server, '/snapshot/refresh', { method: 'POST', body: chunks, headers }), 413, /65536 bytes/);
    const bomb = gzipSync(long.replace('"}', `${'x'.repeat(20_000_000)}"}`));
    assert.ok(bomb.length < 60_000);
    const packed = await askAs(server, '/snapshot/refresh', {
      method: 'POST',
      body: bomb,
      headers: { ...headers, 'content-encoding': 'gzip' },
    });
    assertProblem(packed, 413, /65536 bytes/);
    // As long as it may be.
    const just = JSON.stringify({ documents: ['clients'], padding: '' });
    assert.equal((await refresh(server, just.replace('""', `"${'x'.repeat(65_536 - just.length)}"`))).status, 200);
  });

  test('refresh/body-that-breaks-off', async () => {
    const head = `POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\naccess_token: ${server.key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"docu`;
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(head);
    await sleep(50);
    socket.resetAndDestroy();
    assert.equal((await ask(server.url, '/healthz')).status, 200);
  });

  test('refresh/concurrent-calls-share-samples', async () => {
    const generation = async () => (await askAs(open, '/snapshot')).json<Snapshot>().generation;
    const first = await generation();
    const answers = await Promise.all(Array.from({ length: 40 }, () => refresh(open, '')));
    for (const answer of answers) assert.equal(answer.status, 200);
    // Each document: the sample under way, the one after it, and some by schedule meanwhile.
    const moved = (await generation()) - first;
    assert.ok(moved <= 7 * NAMES.length, `40 calls moved the generation by ${moved}`);
  });

  test('refresh/needs-the-key', async () => {
    assertProblem(await ask(server.url, '/snapshot/refresh', { method: 'POST' }), 403, /^403: Unauthorized$/);
  });
});

describe('health', { concurrency: true }, () => {
  for (const [path, body] of [
    ['/healthz', { status: 'ok' }],
    ['/readyz', { status: 'ready' }],
  ] as const) {
    test(`health${path}`, async () => {
      for (const key of ['', 'wrong']) {
        const answer = await ask(server.url, path, { headers: { access_token: key } });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['cache-control'], 'no-store');
        assert.deepEqual(answer.json(), body);
      }
      const head = await ask(server.url, path, { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.body.length, 0);
    });
  }
});

describe('errors', { concurrency: true }, () => {
  test('errors/404', async () => {
    for (const path of ['/nope', '/system.json', '/healthz/x', '/.env', '/%', '/\\', `/${'x'.repeat(8_000)}`]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'TRACE', 'OPTIONS', 'MKCOL']) {
        const answer = await askAs(server, path, { method });
        assertProblem(answer, 404, /./);
        assert.equal(answer.headers.allow, undefined);
      }
    }
    for (const path of ['/docs/nope', '/docs/..%2f..%2fpackage.json']) assertProblem(await ask(server.url, path), 404, /./);
    assert.equal((await askAs(server, '/nope', { method: 'HEAD' })).status, 404);
  });

  const allowed: readonly [string, RegExp, readonly string[]][] = [
    ['/system', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'TRACE', 'MKCOL']],
    ['/clients', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'PUT', 'DELETE', 'PROPFIND']],
    ['/clients/lo', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE', 'PROPFIND']],
    ['/snapshot', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE', 'PROPFIND']],
    ['/snapshot/refresh', /^POST$/, ['GET', 'HEAD', 'PUT', 'DELETE', 'PROPFIND']],
    ['/healthz', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE', 'PROPFIND']],
    ['/readyz', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE']],
    ['/docs', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE']],
    ['/openapi.json', /^(?=.*\bGET\b)(?=.*\bHEAD\b)(?!.*POST)/, ['POST', 'DELETE']],
  ];
  for (const [path, allow, methods] of allowed) {
    test(`errors/405 ${path}`, async () => {
      for (const method of methods) {
        const answer = await askAs(server, path, { method });
        assert.equal(answer.status, 405, `${method}: ${answer.text}`);
        assert.match(answer.headers.allow ?? '', allow);
        if (method !== 'HEAD') assertProblem(answer, 405, new RegExp(`^${method} is not allowed here`));
      }
      const options = await askAs(server, path, { method: 'OPTIONS' });
      assert.ok(options.status < 300);
      assert.match(options.headers.allow ?? '', allow);
    });
  }

  test('errors/403', async () => {
    for (const path of [
      '/system',
      '/clients',
      '/clients/lo',
      '/clients/nope',
      '/snapshot',
      '/snapshot?documents=nope',
      '/nope',
      '/system/',
    ]) {
      const answer = await ask(server.url, path);
      assertProblem(answer, 403, /^403: Unauthorized$/);
      const head = await ask(server.url, path, { method: 'HEAD' });
      assert.equal(head.status, 403);
      assert.equal(head.body.length, 0);
    }
    for (const method of ['POST', 'DELETE', 'PROPFIND', 'OPTIONS']) {
      assertProblem(await ask(server.url, '/system', { method }), 403, /^403: Unauthorized$/);
    }
  });

  /** What came back on a bare connection, which the server has closed. */
  async function assertRefused(request: string | Buffer, status: number, finish = false): Promise<void> {
    const [head = '', body = ''] = (await exchange(server.url, request, finish)).split('\r\n\r\n', 2);
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(head, /^Content-Type: application\/problem\+json$/im);
    assert.match(head, /^Connection: close$/im);
    assert.match(head, new RegExp(`^Content-Length: ${body.length}$`, 'im'));
    const problem = JSON.parse(body) as Record<string, unknown>;
    assert.deepEqual([problem.type, problem.status], ['about:blank', status]);
    assert.equal(typeof problem.title, 'string');
    assert.equal(typeof problem.detail, 'string');
  }

  test('errors/431', async () => {
    await assertRefused(`GET /system HTTP/1.1\r\nHost: x\r\naccess_token: ${'k'.repeat(20_000)}\r\n\r\n`, 431);
    await assertRefused(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431);
    await assertRefused(
      `GET /system HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 3_000 }, (_, n) => `x-${n}: ${n}\r\n`).join('')}\r\n`,
      431,
    );
  });

  const malformed: Readonly<Record<string, string | Buffer>> = {
    words: 'What is your name?\r\n\r\n',
    version: 'GET /system HTTP/9.9\r\nHost: x\r\n\r\n',
    tls: Buffer.from('1603010200010001fc0303', 'hex'),
    zeros: Buffer.alloc(100),
    'header-without-a-colon': 'GET /system HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n',
    'control-character': 'GET /sys\x01tem HTTP/1.1\r\nHost: x\r\n\r\n',
    'two-lengths': 'POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
    'length-and-chunks': 'POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  };
  for (const [name, request] of Object.entries(malformed)) {
    test(`errors/400 ${name}`, () => assertRefused(request, 400));
  }

  test('errors/400 address', async () => {
    for (const path of ['http://[', 'http://[::']) {
      const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
      await assertRefused(`${head}\r\n`, 400);
      await assertRefused(`${head}access_token: ${server.key}\r\n\r\n`, 400);
    }
  });

  test('errors/request-that-ends-too-early', () => assertRefused('GET /system HT', 400, true));

  test('http/1.0', async () => {
    const answer = await exchange(server.url, `GET /clients/lo HTTP/1.0\r\naccess_token: ${server.key}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\{"active_clients_amount":0,"active_clients":\[\]\}$/);
  });

  test('http/pipelined', async () => {
    const one = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\naccess_token: ${server.key}\r\n${more}\r\n`;
    const answers = await exchange(
      server.url,
      one('/clients/lo') + one('/nope') + one('/snapshot') + one('/healthz', 'Connection: close\r\n'),
    );
    assert.deepEqual(
      [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]),
      ['200', '404', '200', '200'],
    );
  });
});

describe('cors', { concurrency: true }, () => {
  const preflight = { origin: ORIGIN, 'access-control-request-method': 'GET', 'access-control-request-headers': 'access_token' };
  const varies = (answer: Answer) =>
    String(answer.headers.vary ?? '')
      .split(', ')
      .sort();
  const corsNames = (answer: Answer) => Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));

  test('cors/none-by-default', async () => {
    for (const path of ['/system', '/system/', '/snapshot', '/healthz', '/nope']) {
      const answer = await askAs(server, path, { headers: { origin: ORIGIN } });
      assert.deepEqual(corsNames(answer), [], path);
      assert.doesNotMatch(String(answer.headers.vary), /origin/i);
    }
    const asked = await ask(server.url, '/system', { method: 'OPTIONS', headers: preflight });
    assert.deepEqual(corsNames(asked), []);
    assert.equal(asked.status, 403);
  });

  for (const origin of [ORIGIN, 'http://10.3.141.1:8000']) {
    test(`cors/listed-origin ${origin}`, async () => {
      for (const path of ['/system', '/system/', '/clients/lo', '/snapshot']) {
        const answer = await askAs(open, path, { headers: { origin } });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['access-control-allow-origin'], origin, path);
        assert.match(String(answer.headers['access-control-expose-headers']), /\bSampled-At\b/, path);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
        assert.deepEqual(varies(answer), ['Accept-Encoding', 'Origin'], path);
        const again = await askAs(open, path, { headers: { origin, 'if-none-match': '*' } });
        assert.equal(again.status, 304);
        assert.equal(again.headers['access-control-allow-origin'], origin, path);
        assert.deepEqual(varies(again), ['Accept-Encoding', 'Origin'], path);
      }
      // A page should be able to read why it was refused.
      const refused = await Promise.all([
        ask(open.url, '/system', { headers: { origin } }),
        ask(open.url, '/snapshot', { headers: { origin } }),
        askAs(open, '/nope', { headers: { origin } }),
        askAs(open, '/clients/nope', { headers: { origin } }),
        askAs(open, '/system', { method: 'DELETE', headers: { origin } }),
        askAs(open, '/snapshot/refresh', { method: 'POST', body: 'x', headers: { origin } }),
      ]);
      assert.deepEqual(
        refused.map((answer) => answer.status),
        [403, 403, 404, 404, 405, 415],
      );
      for (const answer of refused) assert.equal(answer.headers['access-control-allow-origin'], origin);
    });
  }

  test('cors/preflight', async () => {
    for (const path of ['/system', '/clients/lo', '/snapshot', '/snapshot/refresh']) {
      const answer = await ask(open.url, path, { method: 'OPTIONS', headers: { ...preflight, 'access-control-request-method': 'POST' } });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
      assert.match(String(answer.headers['access-control-allow-methods']), /\bGET\b.*\bPOST\b/);
      const headers = String(answer.headers['access-control-allow-headers']).split(', ');
      for (const name of ['access_token', 'authorization', 'x-api-key', 'content-type', 'if-none-match'])
        assert.ok(headers.includes(name), name);
      assert.deepEqual(varies(answer), ['Origin']);
    }
  });

  test('cors/unlisted-origin', async () => {
    for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'http://dashboard.example', 'null', `${ORIGIN}/`, '*']) {
      for (const path of ['/system', '/system/', '/snapshot']) {
        const answer = await askAs(open, path, { headers: { origin } });
        assert.equal(answer.status, 200);
        assert.deepEqual(corsNames(answer), [], `${origin} ${path}`);
        assert.deepEqual(varies(answer), ['Accept-Encoding', 'Origin']);
      }
      const asked = await ask(open.url, '/system', { method: 'OPTIONS', headers: { ...preflight, origin } });
      assert.equal(asked.status, 403);
      assert.deepEqual(corsNames(asked), []);
    }
  });

  test('cors/no-origin', async () => {
    for (const path of ['/system', '/system/', '/snapshot']) {
      const answer = await askAs(open, path);
      assert.deepEqual(corsNames(answer), []);
      assert.deepEqual(varies(answer), ['Accept-Encoding', 'Origin'], path);
    }
  });
});

describe('stop', { concurrency: true }, () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`stop/${signal}`, async (context) => {
      const stopping = await startServer();
      context.after(() => stopping.stop());
      const { hostname, port } = new URL(stopping.url);
      const agent = new Agent({ keepAlive: true });
      const idle = await new Promise<number>((resolve, reject) => {
        const options = { hostname, port, path: '/system', agent, headers: { access_token: stopping.key } };
        httpGet(options, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0))).on('error', reject);
      });
      assert.ok(idle === 200 || idle === 503);
      const half = connect(Number(port), hostname);
      half.on('error', () => {});
      await once(half, 'connect');
      half.write('POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\nContent-Le');
      const silent = connect(Number(port), hostname);
      silent.on('error', () => {});
      await once(silent, 'connect');

      const exited = once(stopping.process, 'exit');
      const startedMs = performance.now();
      stopping.process.kill(signal);
      await eventually(() => assert.match(stopping.output(), new RegExp(`INFO: stopping on ${signal}`)));
      await assert.rejects(ask(stopping.url, '/healthz'), { code: 'ECONNREFUSED' });
      stopping.process.kill(signal); // impatience changes nothing
      const [status] = await exited;
      const tookMs = performance.now() - startedMs;
      agent.destroy();
      half.destroy();
      silent.destroy();
      assert.equal(status, 0);
      assert.ok(tookMs < 2_000, `it took ${Math.round(tookMs)} ms`);
    });
  }

  test('stop/nobody-there', async () => {
    const stopping = await startServer();
    const startedMs = performance.now();
    assert.equal(await stopping.stop(), 0);
    assert.ok(performance.now() - startedMs < 2_000);
  });
});

// Documents, snapshots and sampling on request, of the built service on this machine's own /proc.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { documents as definitions } from '../../src/documents/index.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask, askAs, assertProblem } from '../support/http.js';
import { createRoot, type Root } from '../support/root.js';
import { startServers, type TestServer } from '../support/server.js';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
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

function refresh(
  server: TestServer,
  body: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  return askAs(server, '/snapshot/refresh', { method: 'POST', body, headers });
}

let server: TestServer;
let root: Root;
let big: TestServer;

before(async () => {
  // Interfaces with names that need encoding, and many leases.
  root = createRoot();
  for (const name of ['br-lan', 'wlan%0', 'wlan0.1', 'é']) root.write(`/sys/class/net/${name}/ifindex`, '7\n');
  const leases = Array.from({ length: 200 }, (_, n) => `1795500557 02:00:00:00:00:${hex(n)} 10.3.141.${n + 1} host-${n} *\n`);
  root.write('/var/lib/misc/dnsmasq.leases', leases.join(''));
  [server, big] = await startServers({}, { args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
  await eventually(async () => {
    for (const each of [server, big]) assert.equal((await ask(each.url, '/readyz')).status, 200);
  });
});

after(async () => {
  const servers = [server, big].filter(Boolean);
  const ends = await Promise.all(servers.map((each) => each.stop()));
  root.remove();
  for (const end of ends) assert.equal(end, 0);
  for (const each of servers) assert.doesNotMatch(each.output(), /ERROR|\bat .*\.js:\d+/, 'no request reveals a defect');
});

function hex(n: number): string {
  return n.toString(16).padStart(2, '0');
}

describe('documents', { concurrency: true }, () => {
  test('/system has the values of this machine', async () => {
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

  test('/system has every field that clients of RaspAP know', async () => {
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

  test('amounts of clients are the lengths of their lists', async () => {
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

  test('/clients has a page for an interface without clients', async () => {
    const answer = await askAs(server, '/clients/lo');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { active_clients_amount: 0, active_clients: [] });
  });

  test('an interface that does not exist gets 404', async () => {
    assertProblem(await askAs(server, '/clients/wlan99'), 404, /no such interface/);
  });

  for (const name of ['wlan%250', 'wlan0.1', 'br-lan', 'br%2Dlan', 'br%2dlan', '%62r-lan', '%C3%A9', '%c3%a9']) {
    test(`the page ${name} is found however it is encoded`, async () => {
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
    test(`a name that is not a page gets 404: ${name.slice(0, 20)}`, async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await askAs(server, `/clients/${name}`, { method });
        assert.equal(answer.status, 404, answer.text);
        assert.equal(answer.headers['content-type'], 'application/problem+json');
      }
    });
  }

  test('a trailing slash changes nothing', async () => {
    for (const path of ['/system/', '/clients/', '/clients/lo/', '/snapshot/']) {
      const answer = await askAs(server, path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers['sample-state'], 'fresh', path);
    }
  });

  test('an unknown query is ignored', async () => {
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

  test('a request URL in absolute form is served', async () => {
    const answer = await askAs(server, 'http://whoever.example/system');
    assert.equal(answer.status, 200);
    assert.ok('hostname' in answer.json());
  });

  test('case and doubled slashes make another path', async () => {
    for (const path of ['/System', '//system', '/system//', '/systemx', '/clientslo', '/system/x', '/snapshot/x']) {
      assertProblem(await askAs(server, path), 404, /./);
    }
  });

  test('Last-Modified stays the same while the bytes do', async () => {
    const first = await askAs(big, '/clients');
    await refresh(big, '{"documents":["clients"]}');
    const second = await askAs(big, '/clients');
    assert.notEqual(second.headers['sampled-at'], first.headers['sampled-at']);
    assert.equal(second.headers['last-modified'], first.headers['last-modified']);
    assert.equal(second.headers.etag, first.headers.etag);
  });
});

describe('snapshot', { concurrency: true }, () => {
  const namesOf = async (query: string) => Object.keys((await askAs(server, `/snapshot${query}`)).json<Snapshot>().documents);

  test('/snapshot has the documents that a query names', async () => {
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

  test('/snapshot rejects an unknown document', async () => {
    for (const query of ['nope', '', 'system,nope', 'system,', 'System', '__proto__', '%00', 'x'.repeat(5_000), ','.repeat(5_000)]) {
      assertProblem(await askAs(server, `/snapshot?documents=${query}`), 400, /^no document ".*": expected system, ap, clients, /s);
    }
  });

  test('/snapshot has state, time, error and data of each document', async () => {
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

  test('/snapshot has the same data as the documents', async () => {
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

  test('/snapshot is of one generation', async () => {
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
  test('a refresh without a body samples every document', async () => {
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

  test('a refresh samples the document that it names', async () => {
    const answer = await refresh(server, '{"documents":["clients"]}');
    assert.deepEqual(Object.keys(answer.json<Refreshed>().documents), ['clients']);
  });

  test('a refreshed document is served at once', async () => {
    const { documents } = (await refresh(server, '{"documents":["clients"]}')).json<Refreshed>();
    const { headers } = await askAs(server, '/clients');
    assert.ok(String(headers['sampled-at']) >= (documents.clients?.sampledAt ?? '?'));
  });

  test('a refresh accepts a chunked body', async () => {
    const chunks = ['{"docu', 'ments":["cl', 'ients"]', '}'];
    const answer = await askAs(server, '/snapshot/refresh', {
      method: 'POST',
      body: chunks,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json<Refreshed>().documents), ['clients']);
  });

  test('a refresh rejects an unknown document', async () => {
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
    test(`a refresh rejects a body of the wrong type: ${body}`, async () => {
      assertProblem(await refresh(server, body), 400, /expected \{"documents":\["clients"\]\}/);
    });
  }

  for (const body of ['{"documents":', 'clients', '"clients"', '1', 'null', ' ', '{"documents":["clients"]}x', '\0', '['.repeat(60_000)]) {
    test(`a refresh rejects malformed JSON: ${JSON.stringify(body.slice(0, 20))}`, async () => {
      assertProblem(await refresh(server, body), 400, /JSON/);
    });
  }

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/ld+json', 'nonsense', undefined]) {
    test(`a refresh rejects the Content-Type ${type}`, async () => {
      const headers: Record<string, string> = type ? { 'content-type': type } : {};
      assertProblem(await refresh(server, '{"documents":["clients"]}', headers), 415, /application\/json/);
      const chunked = await askAs(server, '/snapshot/refresh', { method: 'POST', body: ['{', '}'], headers });
      assertProblem(chunked, 415, /application\/json/);
    });
  }

  test('a refresh rejects a body that is too long', async () => {
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

  test('a body that breaks off refreshes nothing', async () => {
    const head = `POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\naccess_token: ${server.key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"docu`;
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(head);
    await sleep(50);
    socket.resetAndDestroy();
    assert.equal((await ask(server.url, '/healthz')).status, 200);
  });

  test('concurrent refreshes share samples', async () => {
    const generation = async () => (await askAs(server, '/snapshot')).json<Snapshot>().generation;
    const first = await generation();
    const answers = await Promise.all(Array.from({ length: 40 }, () => refresh(server, '')));
    for (const answer of answers) assert.equal(answer.status, 200);
    // Each document: the sample under way, the one after it, and some by schedule meanwhile.
    const moved = (await generation()) - first;
    assert.ok(moved <= 7 * NAMES.length, `40 calls moved the generation by ${moved}`);
  });

  test('a refresh needs the key', async () => {
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

// Server-sent events of the built service: first the current state, then every change.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { documents } from '../../src/documents/index.js';
import { encodeBody } from '../../src/encode/body.js';
import { EventStreams } from '../../src/http/events/streams.js';
import { compose, freshStore, startApp } from '../support/app.js';
import { type EventClient, listenToEvents } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { createAccessPoint, IW, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';
import { connectTo, head } from '../support/sockets.js';

const LISTENERS = 5;

describe('events', () => {
  let root: Root;
  let server: TestServer;
  const clients: EventClient[] = [];

  before(async () => {
    root = createAccessPoint();
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=RigNet\n');
    const args = ['--path.rootfs', root.folder, '--events.listeners', String(LISTENERS)];
    server = await startServer({ args, env: { PATH: root.path } });
    await refresh();
  });

  after(async () => {
    await server?.stop();
    root?.remove();
  });

  /** Samples now, instead of waiting for the schedule. */
  async function refresh(): Promise<void> {
    await ask(server.url, '/snapshot/refresh', { method: 'POST', headers: { access_token: server.key } });
  }

  async function listen(path: string, headers: Record<string, string> = {}): Promise<EventClient> {
    const client = await listenToEvents(server.url, path, { access_token: server.key, ...headers });
    clients.push(client);
    return client;
  }

  function closeAll(): void {
    for (const client of clients.splice(0)) client.close();
  }

  test('first comes every document, as its own path has it', async () => {
    const client = await listen('/events');
    assert.equal(client.response.statusCode, 200);
    assert.equal(client.response.headers['content-type'], 'text/event-stream');
    await eventually(() => assert.ok(client.named('collectors').length > 0));
    const expected = documents.filter(({ verbatim }) => !verbatim).map(({ name }) => name);
    assert.deepEqual(
      client.events.slice(0, expected.length).map(({ event }) => event),
      expected,
    );
    const { text } = await ask(server.url, '/ap', { headers: { access_token: server.key } });
    assert.deepEqual(client.named('ap')[0]?.data, JSON.parse(text));
    closeAll();
  });

  test('every change is sent once, with growing ids', async () => {
    const client = await listen('/events?documents=ap');
    await eventually(() => assert.equal(client.named('ap').length, 1));
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=Elsewhere\n');
    await refresh();
    await eventually(() => assert.equal(client.named('ap').length, 2));
    const [first, second] = client.named('ap');
    assert.equal(client.newest<{ ssid: string }>('ap').ssid, 'Elsewhere');
    assert.ok(Number(second?.id) > Number(first?.id));
    assert.deepEqual([...new Set(client.events.map(({ event }) => event))].sort(), ['ap', 'collectors', 'states']);
    // The next sample changes nothing, so no event is sent.
    await refresh();
    assert.equal(client.named('ap').length, 2);
    closeAll();
  });

  test('a client that reconnects gets only what changed', async () => {
    const client = await listen('/events?documents=ap,dhcp,clients');
    await eventually(() => {
      for (const name of ['ap', 'dhcp', 'clients', 'states', 'collectors']) assert.ok(client.named(name).length > 0, name);
    });
    const last = Math.max(...client.events.map(({ id }) => id));
    closeAll();
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=Third\n');
    await refresh();
    await eventually(async () => {
      const { text } = await ask(server.url, '/ap', { headers: { access_token: server.key } });
      assert.match(text, /"Third"/);
    });
    const again = await listen('/events?documents=ap,dhcp,clients', { 'Last-Event-ID': String(last) });
    await eventually(() => assert.ok(again.named('collectors').length > 0));
    assert.equal(again.named('dhcp').length, 0);
    assert.equal(again.named('ap').length, 1);
    // The next sample doesn't repeat it either.
    await refresh();
    root.write('/etc/hostapd/hostapd.conf', 'interface=wlan0\nssid=Fourth\n');
    await refresh();
    await eventually(() => assert.equal(again.newest<{ ssid: string }>('ap').ssid, 'Fourth'));
    assert.equal(again.named('ap').length, 2);
    assert.equal(again.named('dhcp').length, 0);
    assert.equal(again.named('states').length, 1);
    // An id from an earlier run of the service, or from one whose clock was an hour ahead, counts as none.
    for (const id of [4711, last + 3_600_000]) {
      const stranger = await listen('/events?documents=dhcp', { 'Last-Event-ID': String(id) });
      await eventually(() => assert.equal(stranger.named('dhcp').length, 1));
    }
    closeAll();
  });

  test('clients that join and leave are sent with their records', async () => {
    const client = await listen('/events?documents=clients');
    await eventually(() => assert.equal(client.named('clients').length, 1));
    root.program('iw', IW.replace(/'dev wlan0 station dump'\) .*? ;;/, "'dev wlan0 station dump') ;;"));
    await refresh();
    await eventually(() => assert.equal(client.named('client-left').length, 1));
    assert.equal(client.newest<{ hostname: string }>('client-left').hostname, 'living-room-tv');
    root.program('iw', IW);
    await refresh();
    await eventually(() => assert.equal(client.named('client-joined').length, 1));
    assert.equal(client.newest<{ mac_address: string }>('client-joined').mac_address, '02:00:00:00:03:00');
    closeAll();
  });

  test('a failing source shows in the states and in the collectors', async () => {
    const client = await listen('/events?documents=system');
    await eventually(() => assert.ok(client.named('collectors').length > 0));
    const temp = '/sys/class/thermal/thermal_zone0/temp';
    root.write(temp, 'hot\n');
    await refresh();
    await eventually(() => {
      const { system } = client.newest<{ system: { state: string; error: { message: string } | null } }>('states');
      assert.equal(system.state, 'stale');
      assert.match(String(system.error?.message), /^thermal: /);
      const { collectors } = client.newest<{ collectors: { name: string; state: string }[] }>('collectors');
      assert.equal(collectors.find(({ name }) => name === 'thermal')?.state, 'failing');
    });
    const answer = await ask(server.url, '/collectors', { headers: { access_token: server.key } });
    const { collectors } = answer.json<{ collectors: { name: string; reason: string | null }[] }>();
    assert.match(String(collectors.find(({ name }) => name === 'thermal')?.reason), /not an integer/);
    root.write(temp, '48312\n');
    await refresh();
    await eventually(() => {
      const { system } = client.newest<{ system: { state: string } }>('states');
      assert.equal(system.state, 'fresh');
    });
    closeAll();
  });

  test('listeners beyond the limit are rejected until one leaves', async () => {
    for (let amount = 0; amount < LISTENERS; amount++) await listen('/events?documents=system');
    const refused = await ask(server.url, '/events', { headers: { access_token: server.key } });
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '10']);
    assert.match(String(refused.json().detail), /^5 clients are listening, the limit/);
    closeAll();
    await eventually(async () => {
      const client = await listen('/events?documents=system');
      assert.equal(client.response.statusCode, 200);
    });
    closeAll();
  });

  test('a client that stops reading gets the latest version when it reads again', async () => {
    const store = freshStore();
    const app = await startApp({ store });
    const client = await connectTo(app, { first: head(app, '/events?documents=clients') });
    await eventually(() => assert.match(client.got(), /event: states/));
    client.socket.pause();
    // More than sockets take without being read.
    const versions = Array.from({ length: 8 }, (_, version) => encodeBody(null, { version, padding: 'x'.repeat(4_000_000) }));
    for (const version of versions) {
      compose(store, 'clients', [version]);
      assert.equal((await ask(app.url, '/healthz')).status, 200);
    }
    client.socket.resume();
    await eventually(() => assert.match(client.got(), /"version":7/));
    const received = [...client.got().matchAll(/"version":(\d)/g)].map(([, version]) => Number(version));
    assert.ok(received.length < versions.length, `received ${received}`);
    client.socket.destroy();
    await app.close();
  });

  test('a client whose key was replaced gets nothing newer, even if it reads late', async () => {
    // More than sockets take without being read.
    const large = encodeBody(null, { domains: 'x'.repeat(12_000_000) });
    const before = encodeBody(null, { ssid: 'Before' });
    const store = freshStore({ ap: [before], 'dns/domains': [large] });
    const streams = new EventStreams(store);
    const app = await startApp({ store, events: streams });
    const client = await connectTo(app, { first: head(app, '/events?documents=ap,dns/domains') });
    await eventually(() => assert.match(client.got(), /"Before"/));
    client.socket.pause();
    streams.review(() => false);
    compose(store, 'ap', [encodeBody(null, { ssid: 'Afterwards' })]);
    client.socket.resume();
    await eventually(() => assert.ok(client.isClosed()));
    assert.doesNotMatch(client.got(), /Afterwards/);
    await app.close();
  });

  test('requests without a key or with an unknown document are rejected', async () => {
    const get = (path: string, headers = {}) => ask(server.url, path, { headers });
    assert.equal((await get('/events')).status, 403);
    const unknown = await get('/events?documents=nope', { access_token: server.key });
    assert.equal(unknown.status, 400);
    const head = await ask(server.url, '/events', { method: 'HEAD', headers: { access_token: server.key } });
    assert.deepEqual([head.status, head.body.length], [200, 0]);
  });

  test('streams end with the service', async () => {
    const own = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
    const client = await listenToEvents(own.url, '/events', { access_token: own.key });
    await eventually(() => assert.ok(client.events.length > 0));
    const startedMs = performance.now();
    assert.equal(await own.stop(), 0);
    assert.ok(performance.now() - startedMs < 4_000, 'a listener does not delay the stop');
    await eventually(() => assert.ok(client.ended));
  });

  test('without listeners no events are made', () => {
    const store = freshStore();
    new EventStreams(store);
    compose(store, 'ap', [encodeBody(null, { ssid: 'Changed' })]);
    assert.equal(store.wantsChanges, false);
  });
});

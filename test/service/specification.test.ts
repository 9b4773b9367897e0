// Responses of the service against its specification.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Asking, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServers, type TestServer } from '../support/server.js';
import { assertValid, at, operations, type Response, text, token } from '../support/specification.js';

/** What has been seen of the answers that the specification names. */
const seen = new Set<string>();

function assertAsSpecified(answer: Answer, path: string, method: string): void {
  const what = `${method.toUpperCase()} ${path} ${answer.status}`;
  seen.add(what);
  const place = `/paths/${token(path)}/${method}/responses/${answer.status}`;
  const named = at<Response | undefined>(place);
  assert.ok(named, `${what} is not in the specification: ${answer.text}`);
  const pointer = named.$ref ? named.$ref.slice(1) : place;
  const { headers = {}, content = {} } = at<Response>(pointer);
  for (const name of Object.keys(headers)) {
    const value = answer.headers[name.toLowerCase()];
    assert.ok(value, `${what} has ${name}`);
    assertValid(value, `${pointer}/headers/${token(name)}/schema`, `${what} ${name}`);
  }
  const types = Object.keys(content);
  if (types.length === 0) {
    assert.equal(answer.body.length, 0, `${what} has no body`);
    return;
  }
  const type = String(answer.headers['content-type']).split(';', 1)[0] ?? '';
  assert.ok(types.includes(type), `${what} is of type ${type}: ${types.join()}`);
  const said: unknown = /json$/.test(type) ? answer.json() : answer.text;
  assertValid(said, `${pointer}/content/${token(type)}/schema`, what);
}

describe('answers', () => {
  /** This machine, an access point, and a machine with nothing to sample. */
  let machine: TestServer;
  let accessPoint: TestServer;
  let nothing: TestServer;
  /** Has received too many wrong keys. */
  let guarded: TestApp;
  /** Has not sampled yet. */
  let newborn: TestApp;
  let root: Root;
  let empty: string;

  before(async () => {
    root = createAccessPoint();
    empty = mkdtempSync(join(tmpdir(), 'apsnap-empty-'));
    [machine, accessPoint, nothing] = await startServers(
      {},
      { args: ['--path.rootfs', root.folder], env: { PATH: root.path } },
      { args: ['--path.rootfs', empty], env: { PATH: empty } },
    );
    guarded = await startApp({ authorize: () => ({ kind: 'too-many-wrong-keys', retryAfterSeconds: 7 }) });
    newborn = await startApp({ maxListeners: 0, specification: Buffer.from(text) });
    await eventually(async () => {
      for (const server of [machine, accessPoint]) assert.equal((await ask(server.url, '/readyz')).status, 200);
    });
  });

  after(async () => {
    assert.doesNotMatch(newborn.log(), /ERROR/);
    await Promise.all([newborn.close(), guarded.close(), ...[machine, accessPoint, nothing].map((server) => server?.stop())]);
    root.remove();
    rmSync(empty, { recursive: true });
  });

  function askAs({ url, key }: Pick<TestServer, 'url' | 'key'>, path: string, asking: Asking = {}): Promise<Answer> {
    return ask(url, path, { ...asking, headers: { access_token: key, ...asking.headers } });
  }

  /** Names of pages that are on both machines. */
  const pages: Readonly<Record<string, string>> = { interface: 'lo' };
  const filled = (path: string) => path.replace(/\{(\w+)\}/, (_, parameter: string) => pages[parameter] ?? 'nope');
  /** Whether a path is that of a page which no machine has for certain. */
  const isElsewhere = (path: string) => /\{(\w+)\}/.test(path) && filled(path).endsWith('/nope');

  for (const { path, method, operation } of operations) {
    const name = `${method.toUpperCase()} ${path}`;

    test(`answers/200 ${name}`, async () => {
      for (const server of [machine, accessPoint]) {
        const answer = await askAs(server, filled(path), { method: method.toUpperCase() });
        assert.equal(answer.status, isElsewhere(path) ? 404 : 200);
        assertAsSpecified(answer, path, method);
      }
    });

    if (operation.responses['304'] && !isElsewhere(path)) {
      test(`answers/304 ${name}`, async () => {
        const answer = await askAs(machine, filled(path), { headers: { 'if-none-match': '*' } });
        assert.equal(answer.status, 304);
        assertAsSpecified(answer, path, method);
      });
    }

    test(`answers/without-the-key ${name}`, async () => {
      const answer = await ask(machine.url, filled(path), { method: method.toUpperCase() });
      assert.equal(answer.status, operation.security?.length === 0 ? 200 : 403);
      assertAsSpecified(answer, path, method);
    });

    if (operation.responses['429']) {
      test(`answers/429 ${name}`, async () => {
        const answer = await askAs(guarded, filled(path), { method: method.toUpperCase() });
        assert.equal(answer.status, 429);
        assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
        assertAsSpecified(answer, path, method);
      });
    }

    test(`answers/405 ${name}`, async () => {
      for (const other of ['PUT', 'DELETE', 'PATCH', method === 'get' ? 'POST' : 'GET']) {
        const answer = await askAs(machine, filled(path), { method: other });
        assert.equal(answer.status, 405);
        assertValid(answer.json(), '/components/schemas/Problem', `${other} ${path}`);
      }
    });

    test(`answers/nothing-sampled ${name}`, async () => {
      const answer = await askAs(newborn, filled(path), { method: method.toUpperCase() });
      assert.equal(answer.status, operation.responses['503'] ? 503 : 200, answer.text);
      if (answer.status === 503) assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
      assertAsSpecified(answer, path, method);
    });

    test(`answers/nothing-there ${name}`, async () => {
      // What is missing is an empty list or a failure, by what it is.
      const answer = await askAs(nothing, filled(path), { method: method.toUpperCase() });
      assertAsSpecified(answer, path, method);
    });

    if (operation.responses['404']) {
      test(`answers/404 ${name}`, async () => {
        const answer = await askAs(machine, path.replace(/\{\w+\}/, 'nope'));
        assert.equal(answer.status, 404);
        assertAsSpecified(answer, path, method);
      });
    }

    for (const { name: parameter, schema } of operation.parameters?.filter((one) => one.in === 'query') ?? []) {
      test(`answers/400 ${name} ${parameter}`, async () => {
        // Empty, twice, and what is nothing of the kind.
        for (const query of [`${parameter}=`, `${parameter}=1&${parameter}=1`, `${parameter}=%00`]) {
          const answer = await askAs(machine, `${filled(path)}?${query}`);
          assert.equal(answer.status, 400, query);
          assert.match(String(answer.json().detail), /expected/);
          assertAsSpecified(answer, path, method);
        }
        if (schema.default === undefined) return;
        const answer = await askAs(machine, `${filled(path)}?${parameter}=${schema.default}`);
        assert.equal(answer.status, 200);
        assertAsSpecified(answer, path, method);
      });
    }
  }

  test('answers/clients-of-an-access-point', async () => {
    const answer = await askAs(accessPoint, '/clients/wlan0');
    assert.equal(answer.json().active_clients_amount, 1);
    assertAsSpecified(answer, '/clients/{interface}', 'get');
    assert.equal((await askAs(accessPoint, '/system')).json().systemTemperature, 48.31);
  });

  test('answers/404', async () => {
    for (const path of ['/nope', '/system/nope', '/docs/nope']) {
      const answer = await askAs(machine, path);
      assert.equal(answer.status, 404);
      assertValid(answer.json(), '/components/schemas/Problem', path);
    }
  });

  test('answers/some-documents', async () => {
    assertAsSpecified(await askAs(machine, '/snapshot?documents=clients'), '/snapshot', 'get');
  });

  test('answers/refresh', async () => {
    const refresh = (body: string, type: string) =>
      askAs(accessPoint, '/snapshot/refresh', { method: 'POST', body, headers: { 'content-type': type } });
    const json = 'application/json';
    for (const [body, type, status] of [
      ['{"documents":["clients"]}', json, 200],
      ['{"documents":["nope"]}', json, 400],
      ['{', json, 400],
      ['x', 'text/plain', 415],
      [`{"x":"${'x'.repeat(70_000)}"}`, json, 413],
    ] as const) {
      const answer = await refresh(body, type);
      assert.equal(answer.status, status);
      assertAsSpecified(answer, '/snapshot/refresh', 'post');
    }
  });

  test('answers/all-that-are-named-were-seen', () => {
    const named = operations.flatMap(({ path, method, operation }) =>
      Object.keys(operation.responses)
        .filter((status) => !isElsewhere(path) || !/^(?:200|304)$/.test(status))
        .map((status) => `${method.toUpperCase()} ${path} ${status}`),
    );
    assert.deepEqual([...seen].sort(), named.sort());
  });
});

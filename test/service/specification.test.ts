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

/** Responses that the tests have received, each as method, path and status. */
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

describe('responses', () => {
  /** This machine, an access point, and a machine with nothing to sample. */
  let machine: TestServer;
  let accessPoint: TestServer;
  let nothing: TestServer;
  /** A service that has received too many wrong keys. */
  let guarded: TestApp;
  /** A service that has not sampled yet. */
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
    newborn = await startApp({ maxListeners: 0, readSpecification: () => Buffer.from(text) });
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

  /** Values of path parameters that exist on both machines. */
  const pages: Readonly<Record<string, string>> = { interface: 'lo' };
  const filled = (path: string) => path.replace(/\{(\w+)\}/, (_, parameter: string) => pages[parameter] ?? 'nope');
  /** Returns true if a path has a parameter without a value that exists on both machines. */
  const isElsewhere = (path: string) => /\{(\w+)\}/.test(path) && filled(path).endsWith('/nope');

  for (const { path, method, operation } of operations) {
    const name = `${method.toUpperCase()} ${path}`;

    test(`${name} responds as specified on this machine and on an access point`, async () => {
      for (const server of [machine, accessPoint]) {
        const answer = await askAs(server, filled(path), { method: method.toUpperCase() });
        assert.equal(answer.status, isElsewhere(path) ? 404 : 200);
        assertAsSpecified(answer, path, method);
      }
    });

    if (operation.responses['304'] && !isElsewhere(path)) {
      test(`${name} returns 304 for If-None-Match: *`, async () => {
        const answer = await askAs(machine, filled(path), { headers: { 'if-none-match': '*' } });
        assert.equal(answer.status, 304);
        assertAsSpecified(answer, path, method);
      });
    }

    test(`${name} returns 403 without a key, or 200 if it needs none`, async () => {
      const answer = await ask(machine.url, filled(path), { method: method.toUpperCase() });
      assert.equal(answer.status, operation.security?.length === 0 ? 200 : 403);
      assertAsSpecified(answer, path, method);
    });

    if (operation.responses['429']) {
      test(`${name} returns 429 with Retry-After after too many wrong keys`, async () => {
        const answer = await askAs(guarded, filled(path), { method: method.toUpperCase() });
        assert.equal(answer.status, 429);
        assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
        assertAsSpecified(answer, path, method);
      });
    }

    test(`${name} returns 405 for other methods`, async () => {
      for (const other of ['PUT', 'DELETE', 'PATCH', method === 'get' ? 'POST' : 'GET']) {
        const answer = await askAs(machine, filled(path), { method: other });
        assert.equal(answer.status, 405);
        assertValid(answer.json(), '/components/schemas/Problem', `${other} ${path}`);
      }
    });

    test(`${name} returns a specified 503 or 200 before the first sample`, async () => {
      const answer = await askAs(newborn, filled(path), { method: method.toUpperCase() });
      assert.equal(answer.status, operation.responses['503'] ? 503 : 200, answer.text);
      if (answer.status === 503) assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
      assertAsSpecified(answer, path, method);
    });

    test(`${name} responds as specified on a machine with nothing to sample`, async () => {
      // A missing source makes an empty list or a failure, depending on the source.
      const answer = await askAs(nothing, filled(path), { method: method.toUpperCase() });
      assertAsSpecified(answer, path, method);
    });

    if (operation.responses['404']) {
      test(`${name} returns 404 for an unknown name in its path`, async () => {
        const answer = await askAs(machine, path.replace(/\{\w+\}/, 'nope'));
        assert.equal(answer.status, 404);
        assertAsSpecified(answer, path, method);
      });
    }

    for (const { name: parameter, schema } of operation.parameters?.filter((one) => one.in === 'query') ?? []) {
      test(`${name} returns 400 for a bad value of ${parameter}, and 200 for its default`, async () => {
        // An empty value, a parameter that is given twice, and a value of the wrong kind.
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

  test('an access point reports its client and its temperature', async () => {
    const answer = await askAs(accessPoint, '/clients/wlan0');
    assert.equal(answer.json().active_clients_amount, 1);
    assertAsSpecified(answer, '/clients/{interface}', 'get');
    assert.equal((await askAs(accessPoint, '/system')).json().systemTemperature, 48.31);
  });

  test('an unknown path returns 404 with a problem document', async () => {
    for (const path of ['/nope', '/system/nope', '/docs/nope']) {
      const answer = await askAs(machine, path);
      assert.equal(answer.status, 404);
      assertValid(answer.json(), '/components/schemas/Problem', path);
    }
  });

  test('a snapshot of a single document is as specified', async () => {
    assertAsSpecified(await askAs(machine, '/snapshot?documents=clients'), '/snapshot', 'get');
  });

  test('a refresh responds as specified to valid and invalid bodies', async () => {
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

  test('the tests above received every response that the specification names, and no others', () => {
    const named = operations.flatMap(({ path, method, operation }) =>
      Object.keys(operation.responses)
        .filter((status) => !isElsewhere(path) || !/^(?:200|304)$/.test(status))
        .map((status) => `${method.toUpperCase()} ${path} ${status}`),
    );
    assert.deepEqual([...seen].sort(), named.sort());
  });
});

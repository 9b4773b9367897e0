// The specification against the service: it is valid, it names what is served and nothing else, and every answer is as it says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { createHistory } from '../../src/engine/history.js';
import type { Scheduler } from '../../src/engine/schedule.js';
import { createStore } from '../../src/engine/store.js';
import type { Sampler } from '../../src/engine/worker-pool.js';
import { createApp, keyedRoutes, openRoutes } from '../../src/http/app.js';
import { EventStreams } from '../../src/http/events/streams.js';
import { createDocumentResponses } from '../../src/http/responses/document-responses.js';
import { eventually } from '../support/eventually.js';
import { type Answer, type Asking, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServers, type TestServer } from '../support/server.js';

interface Response {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: { readonly default?: unknown } }[];
  readonly responses: Readonly<Record<string, Response>>;
}

interface Specification {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
const specification = JSON.parse(text) as Specification;
const operations = Object.entries(specification.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(specification, 'openapi.json');

/** The part of the specification that a JSON pointer names. */
function at<T>(pointer: string): T {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (part, name) => (part as Record<string, unknown> | undefined)?.[name.replaceAll('~1', '/').replaceAll('~0', '~')],
      specification,
    ) as T;
}

/** They do nothing. */
const scheduler: Scheduler = { sample: async () => {}, sampleAfresh: async () => {}, start() {}, stop() {} };
const sampler: Sampler = {
  sample: async () => [],
  compose: async () => [],
  answer: async () => ({ kind: 'busy' }),
  history: async () => ({ kind: 'busy' }),
  close: async () => {},
};

const token = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

function assertValid(value: unknown, pointer: string, what: string): void {
  assert.ok(at(pointer), `${pointer} is in the specification`);
  const validate = ajv.getSchema(`openapi.json#${pointer}`);
  assert.ok(validate, pointer);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value).slice(0, 500)}`);
}

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

describe('specification', () => {
  test('specification/valid', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(text) as Record<string, unknown>);
    assert.ok(valid, JSON.stringify(errors));
    assert.match(specification.openapi, /^3\.1\.\d$/);
  });

  test('specification/every-reference-leads-somewhere', () => {
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#([^"]+)"/g)) assert.ok(at(pointer), pointer);
  });

  test('specification/names-what-is-served', () => {
    const store = createStore();
    const routers = [
      openRoutes({ store, specification: Buffer.from('{}'), pages: { dashboard: true, docs: true } }),
      keyedRoutes(
        { store, scheduler, sampler, events: new EventStreams(store), maxListeners: 0, history: createHistory() },
        createDocumentResponses(store, false),
      ),
    ];
    const served = routers
      .flatMap((router) => router.stack.flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`)))
      .filter((route) => !/^HEAD | \/(?:docs.*|assets.*|openapi\.json)?$/.test(route))
      .map((route) => route.replace(/:(\w+)/g, '{$1}'));
    const named = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    assert.deepEqual(named.sort(), served.sort());
  });

  test('specification/schemas-refuse-what-is-not-so', () => {
    for (const name of ['system', 'clients', 'clients-interface', 'Snapshot', 'Refreshed', 'Problem']) {
      assert.throws(() => assertValid({}, `/components/schemas/${name}`, name), /must have required property/);
    }
  });

  test('specification/words', () => {
    for (const { path, operation } of operations) {
      assert.ok(operation.summary, path);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      assert.deepEqual(
        parameters.map((parameter) => parameter.name),
        inPath,
        path,
      );
    }
  });
});

describe('answers', () => {
  /** This machine, an access point, and a machine with nothing to sample. */
  let machine: TestServer;
  let accessPoint: TestServer;
  let nothing: TestServer;
  /** Has had its wrong key. */
  let guarded: TestServer;
  /** Where the service listens that has not sampled yet. */
  let newborn: Server;
  let root: Root;
  let empty: string;

  before(async () => {
    root = createAccessPoint();
    empty = mkdtempSync(join(tmpdir(), 'apsnap-empty-'));
    [machine, accessPoint, nothing, guarded] = await startServers(
      {},
      { args: ['--path.rootfs', root.folder], env: { PATH: root.path } },
      { args: ['--path.rootfs', empty], env: { PATH: empty } },
      { args: ['--failed-keys', '1'] },
    );
    await ask(guarded.url, '/system', { headers: { access_token: 'wrong' } });
    const store = createStore();
    const app = createApp({
      ...{ events: new EventStreams(store), maxListeners: 0, history: createHistory() },
      ...{ store, scheduler, sampler, corsOrigins: [], exposeSecrets: false, specification: Buffer.from(text) },
      ...{ accessLog: { record() {}, close() {} }, logError: (line) => assert.fail(line) },
      ...{
        pages: { dashboard: true, docs: true },
        isAllowedHost: () => true,
        authorize: () => ({ kind: 'allowed', access: 'read' }) as const,
      },
    });
    newborn = createServer(app).listen(0, '127.0.0.1');
    await once(newborn, 'listening');
    await eventually(async () => {
      for (const server of [machine, accessPoint]) assert.equal((await ask(server.url, '/readyz')).status, 200);
    });
  });

  after(async () => {
    newborn?.close();
    await Promise.all([machine, accessPoint, nothing, guarded].map((server) => server?.stop()));
    root.remove();
    rmSync(empty, { recursive: true });
  });

  function askAs({ url, key }: TestServer, path: string, asking: Asking = {}): Promise<Answer> {
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
      const { port } = newborn.address() as AddressInfo;
      const answer = await ask(`http://127.0.0.1:${port}`, filled(path), { method: method.toUpperCase() });
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

// Every parameter and every field of a body in the specification, with values that aren't valid: rejected with a reason, never a 500.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { eventually } from '../support/eventually.js';
import { type Answer, type Asking, ask } from '../support/http.js';
import { createAccessPoint, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

const specification = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const operations = Object.entries(specification.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

/** What no parameter of any kind may be, as it stands in the address. */
const NASTY = [
  ...['', '%00', '%', '%zz', '%ff%fe', '%c0%80', '%ed%a0%80', '%0d%0aSet-Cookie:a=b', '+', '%20', '%09', '%e2%80%ae', '%f0%9f%92%a9'],
  ...['__proto__', 'constructor', 'toString', 'null', 'undefined', 'NaN', 'Infinity', '[]', '%5B%5D', '{}', '%7B%22a%22:1%7D', 'true'],
  ...[
    '-1',
    '-0',
    '1e3',
    '0x10',
    '1.5',
    '%d9%a3',
    '9'.repeat(20),
    '9'.repeat(400),
    'a'.repeat(10_000),
    ','.repeat(5_000),
    '%2e%2e%2fetc%2fpasswd',
  ],
];

/** Those that are one of many good values all the same, and what a good one is like. */
type Good = (value: string) => boolean;
const decoded = (value: string) => {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
};
const wholeNumber: Good = (value) => /^\d{1,10}$/.test(value);
const seconds: Good = (value) => /^\d{1,11}(?:\.\d+)?$/.test(value);
const visible: Good = (value) => /^[\x21-\x7e]{1,253}$/.test(decoded(value) ?? '');

/**
 * Values that each parameter accepts, by operation. A parameter that is missing here fails the test. Undefined: it accepts anything, as a
 * header that is not a number is ignored.
 */
const takes: Readonly<Record<string, Good | undefined>> = {
  'GET /clients/{interface} interface': () => false,
  'GET /openvpn/{config} config': () => false,
  'GET /wireguard/{config} config': () => false,
  'GET /dns/domains limit': wholeNumber,
  'GET /dns/domains offset': wholeNumber,
  'GET /dns/domains contains': (value) => visible(value) || /^%(?:zz)?$/.test(value),
  'GET /dns/hostnames limit': wholeNumber,
  'GET /dns/hostnames offset': wholeNumber,
  'GET /dns/hostnames contains': (value) => visible(value) || /^%(?:zz)?$/.test(value),
  'GET /dns/logs limit': wholeNumber,
  'GET /dns/logs client': () => false,
  'GET /snapshot documents': () => false,
  'GET /events documents': () => false,
  'GET /events Last-Event-ID': undefined,
  'GET /history series': () => false,
  'GET /history since': seconds,
  'GET /history until': seconds,
  'GET /history step': wholeNumber,
  'GET /metrics collect[]': () => false,
};

describe('hostile input', () => {
  let root: Root;
  let server: TestServer;

  before(async () => {
    root = createAccessPoint();
    server = await startServer({ args: ['--path.rootfs', root.folder, '--access-log', 'off'], env: { PATH: root.path } });
    await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
  });
  after(async () => {
    await server?.stop();
    root.remove();
  });

  const askAs = (path: string, { headers, ...asking }: Asking = {}) =>
    ask(server.url, path, { ...asking, headers: { access_token: server.key, ...headers } });

  function assertRefused(answer: Answer, what: string): void {
    assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
    const { detail } = answer.json<{ detail?: unknown }>();
    assert.ok(typeof detail === 'string' && detail.length > 0 && detail.length < 2_000, `${what}: ${answer.text.slice(0, 300)}`);
    assert.doesNotMatch(answer.text, /node_modules|\.js:\d+|at \w+ \(/, `${what}: no stack`);
  }

  test('every parameter in the specification has cases', () => {
    const named = operations.flatMap(({ method, path, operation }) =>
      (operation.parameters ?? []).map((parameter) => `${method} ${path} ${parameter.name}`),
    );
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(takes, name)),
      [],
    );
    assert.deepEqual(
      Object.keys(takes).filter((name) => !named.includes(name)),
      [],
    );
  });

  for (const { method, path, operation } of operations) {
    for (const { name, in: place } of operation.parameters ?? []) {
      test(`${method} ${path} survives hostile values of ${name} in the ${place}`, async () => {
        const good = takes[`${method} ${path} ${name}`];
        for (const value of NASTY) {
          const query = path.replace(/\{\w+\}/, 'nope');
          const asked =
            place === 'path'
              ? await askAs(path.replace(`{${name}}`, value))
              : place === 'header'
                ? await askAs(path, { headers: { [name]: (decoded(value) ?? value).replaceAll(/[^\x20-\x7e]/g, '').slice(0, 5_000) } })
                : await askAs(`${query}?${encodeURIComponent(name)}=${value}`);
          const what = `${name}=${value.slice(0, 60)}`;
          // Two of the values a number may have are too large for some.
          if (good === undefined || (place === 'path' && value === ''))
            assert.ok(asked.status < 500, `${what}: ${asked.text.slice(0, 300)}`);
          else if (good(value)) assert.ok(asked.status === 200 || asked.status === 400, `${what}: ${asked.text.slice(0, 300)}`);
          else assertRefused(asked, what);
        }
        if (place !== 'query') return;
        // More than one where one is expected, as lists and objects are written.
        for (const query of [`${name}=1&${name}=2`, `${name}[]=1`, `${name}[a]=1`, `${name}=${'1&'.repeat(3_000)}`, `${name}`]) {
          const asked = await askAs(`${path}?${query}`);
          assert.ok(asked.status < 500, `${query.slice(0, 60)}: ${asked.text.slice(0, 300)}`);
          if (asked.status !== 200) assertRefused(asked, query.slice(0, 60));
        }
      });
    }
  }

  const posted = operations.flatMap(({ method, path, operation }) => {
    const schema = operation.requestBody?.content['application/json']?.schema;
    return schema ? [{ method, path, schema }] : [];
  });

  /** JSON that no field of a body is. */
  const WRONG = [
    'null',
    'true',
    '1',
    '-1',
    '1e400',
    '"clients"',
    '""',
    '{}',
    '{"length":1,"0":"clients"}',
    '[[]]',
    '[null]',
    '[1]',
    '[{}]',
    '["clients",1]',
  ];
  const NAMES = [
    '[]',
    '["nope"]',
    '["__proto__"]',
    '["constructor"]',
    '[""]',
    '["clients\\u0000"]',
    '["\\ud800"]',
    `["${'a'.repeat(10_000)}"]`,
    '["clients,system"]',
    '["../system"]',
  ];
  /** Every field, and what it may not be. One that is not here fails. */
  const fields: Readonly<Record<string, readonly string[]>> = { 'POST /snapshot/refresh documents': [...WRONG, ...NAMES] };

  test('every body field in the specification has cases', () => {
    const named = posted.flatMap(({ method, path, schema }) =>
      Object.keys(schema.properties ?? {}).map((name) => `${method} ${path} ${name}`),
    );
    assert.ok(named.length > 0);
    assert.deepEqual(named.sort(), Object.keys(fields).sort());
  });

  const json = { 'content-type': 'application/json' };

  for (const { method, path, schema } of posted) {
    for (const name of Object.keys(schema.properties ?? {})) {
      test(`${method} ${path} survives hostile values of the body field ${name}`, async () => {
        for (const value of fields[`${method} ${path} ${name}`] ?? []) {
          for (const body of [`{"${name}":${value}}`, `{"${name}":["clients"],"${name}":${value}}`]) {
            assertRefused(await askAs(path, { method, body, headers: json }), body.slice(0, 80));
          }
        }
        // Of a field that is given twice the last counts, as in JSON.parse; others are passed over.
        const twice = await askAs(path, { method, body: `{"${name}":1,"constructor":{"${name}":1},"${name}":["clients"]}`, headers: json });
        assert.equal(twice.status, 200, twice.text);
        assertRefused(await askAs(path, { method, body: `{"__proto__":{"${name}":["clients"]}}`, headers: json }), '__proto__');
        const many = JSON.stringify({ [name]: Array.from({ length: 5_000 }, () => 'clients') });
        assert.equal((await askAs(path, { method, body: many, headers: json })).status, 200);
      });
    }

    test(`${method} ${path} rejects a body that isn't a JSON object`, async () => {
      const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
      const bodies: (string | Buffer)[] = [
        ...[
          '{',
          '}',
          '[',
          'nul',
          'null',
          '1',
          '"a"',
          'true',
          '[]',
          '["clients"]',
          '{"a":}',
          '{"a" 1}',
          "{'a':1}",
          '{a:1}',
          '{"a":1,}',
          '{"a":1}x',
          '\0',
          '{"a":"\n"}',
        ],
        ...[
          '{"a":01}',
          '{"a":NaN}',
          '{"\\u":1}',
          '// {}',
          '{"a":1}{"a":1}',
          deep('[', ']', 20_000),
          deep('{"a":', '}', 5),
          '['.repeat(60_000),
          '{"a":'.repeat(10_000),
        ],
        Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
        Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
        gzipSync('{}'),
      ];
      for (const body of bodies)
        assertRefused(await askAs(path, { method, body, headers: json }), JSON.stringify(body.toString().slice(0, 60)));
      for (const body of [`{"x":"${'x'.repeat(70_000)}"}`, [`{"x":"${'x'.repeat(50_000)}`, 'x'.repeat(50_000), '"}']]) {
        const answer = await askAs(path, { method, body, headers: json });
        assertRefused(answer, 'too large');
        assert.equal(answer.status, 413);
      }
    });

    test(`${method} ${path} survives unusual encodings`, async () => {
      const good = '{"documents":["clients"]}';
      const bomb = gzipSync(Buffer.alloc(8 << 20, ' '));
      const refused: [what: string, headers: Record<string, string>, body: string | Buffer][] = [
        ['malformed gzip', { 'content-encoding': 'gzip' }, good],
        ['gzip that ends too early', { 'content-encoding': 'gzip' }, gzipSync(good).subarray(0, 20)],
        ['gzip of no JSON', { 'content-encoding': 'gzip' }, gzipSync('x')],
        ['8 MiB as 8 KiB of gzip', { 'content-encoding': 'gzip' }, bomb],
        ['malformed deflate', { 'content-encoding': 'deflate' }, good],
        ['8 MiB as deflate', { 'content-encoding': 'deflate' }, deflateSync(Buffer.alloc(8 << 20, ' '))],
        ['an unknown encoding', { 'content-encoding': 'rot13' }, good],
        ['several encodings', { 'content-encoding': 'gzip, gzip' }, gzipSync(gzipSync(good))],
        ['malformed brotli', { 'content-encoding': 'br' }, good],
        [
          '8 MiB as brotli',
          { 'content-encoding': 'br' },
          brotliCompressSync(Buffer.alloc(8 << 20, ' '), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
        ],
        ['an unknown charset', { 'content-type': 'application/json; charset=klingon' }, good],
        ['a charset that is empty', { 'content-type': 'application/json; charset=;' }, '{'],
        ['a charset that is no word', { 'content-type': 'application/json; charset="a b' }, '{'],
        ['malformed UTF-16', { 'content-type': 'application/json; charset=utf-16' }, '{'],
        ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'documents=clients'],
        ['a multipart form', { 'content-type': 'multipart/form-data; boundary=a' }, '--a--'],
        ['XML', { 'content-type': 'application/xml' }, '<a/>'],
        ['an unknown type', { 'content-type': 'nonsense' }, good],
        ['a list of types', { 'content-type': 'application/json, text/plain' }, '{'],
      ];
      for (const [what, headers, body] of refused) {
        assertRefused(await askAs(path, { method, body, headers: { ...json, ...headers } }), what);
      }
      const packed = await askAs(path, { method, body: gzipSync(good), headers: { ...json, 'content-encoding': 'gzip' } });
      assert.equal(packed.status, 200, packed.text);
    });
  }

  test('unknown parameters are ignored', async () => {
    for (const query of ['_=1', '__proto__=1', 'constructor[prototype][a]=1', 'a='.repeat(5_000), '&'.repeat(10_000), '?', '%', '=']) {
      for (const path of ['/system', '/clients', '/dns/domains', '/collectors'])
        assert.equal((await askAs(`${path}?${query}`)).status, 200, query);
    }
    assert.equal((await askAs('/snapshot?__proto__=1')).status, 200);
  });

  test('the maximum number of parameters does not delay other clients', async () => {
    for (const path of [
      '/snapshot?documents=ap',
      '/events?documents=ap',
      '/history?step=0',
      '/dns/domains?limit=0',
      '/metrics?collect[]=load',
    ]) {
      for (const parameter of ['&a', '&documents=ap', '&series=load']) {
        const asked = path + parameter.repeat((15_000 - path.length) / parameter.length);
        const tookMs: number[] = [];
        for (let n = 0; n < 5; n++) {
          const startedMs = performance.now();
          await askAs(asked, { method: 'HEAD' });
          tookMs.push(performance.now() - startedMs);
        }
        // A second and more, when it was gone through for each parameter.
        assert.ok(Math.min(...tookMs) < 300, `${path}${parameter}…: ${tookMs}`);
      }
    }
  });

  test('list headers with nonsense in them are served', async () => {
    const values = [
      '',
      ',',
      ';;;',
      '*',
      'gzip;q=',
      'a;q=1e400',
      'gzip;q=-1',
      '"',
      'W/"',
      '"a", "',
      '__proto__',
      ',gzip'.repeat(2_500),
      ';q=0'.repeat(3_000),
      '*/*;'.repeat(3_000),
    ];
    for (const name of ['accept', 'accept-encoding', 'if-none-match', 'if-modified-since', 'origin', 'range', 'cookie', 'last-event-id']) {
      for (const path of ['/system', '/metrics', '/history', '/', '/docs', '/openapi.json']) {
        const statuses = await Promise.all(values.map(async (value) => (await askAs(path, { headers: { [name]: value } })).status));
        for (const [index, status] of statuses.entries())
          assert.ok(status === 200 || status === 304, `${path} ${name}: ${values[index]}: ${status}`);
      }
    }
  });

  test('hostile input logs no internal error', async () => {
    assert.equal((await ask(server.url, '/healthz')).status, 200);
    assert.doesNotMatch(server.output(), /request failed|defect|Error|ERROR/);
  });
});

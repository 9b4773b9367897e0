import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashKey } from '../../../src/access/key-format.js';
import { createKeyCheck, readKeys, validKey } from '../../../src/access/keys.js';
import { StartError } from '../../../src/errors.js';

const READ = 'the-key-that-reads-0123456789';
const SECRETS = 'the-key-that-reads-secrets-012345';

const basic = (user: string, key: string) => `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`;
const inCapitals = (digest: string) => `sha256:${digest.slice('sha256:'.length).toUpperCase()}`;

describe('a key that is sent', () => {
  const stored = { plain: READ, digest: hashKey(READ) };
  const ways: Readonly<Record<string, Record<string, string>>> = {
    'in access_token': { access_token: READ },
    'as Bearer': { authorization: `Bearer ${READ}` },
    'as bearer with more blanks': { authorization: `bearer  ${READ}` },
    'in X-API-Key': { 'x-api-key': READ },
    'as password without a user': { authorization: basic('', READ) },
    'as password of any user': { authorization: basic('admin', READ) },
    'as basic in lower case': { authorization: basic('prometheus', READ).replace('Basic', 'basic') },
    'next to a wrong one': { access_token: 'wrong', 'x-api-key': READ },
    "next to the proxy's password": { access_token: READ, authorization: basic('proxy', 'password') },
    'next to an empty header': { access_token: '', 'x-api-key': READ },
  };
  for (const [kind, value] of Object.entries(stored)) {
    const check = createKeyCheck([validKey('read', value)]);
    for (const [name, headers] of Object.entries(ways)) {
      test(`${name} is valid, stored as ${kind}`, () => assert.equal(check(headers).access, 'read'));
    }
  }

  const wrong: Readonly<Record<string, Record<string, string>>> = {
    nothing: {},
    'an empty header': { access_token: '' },
    'empty headers everywhere': { access_token: '', 'x-api-key': '', authorization: '' },
    'another key': { access_token: 'another0key0of0sixteen0and0more0' },
    'all but the last character': { access_token: READ.slice(0, -1) },
    'all but the first character': { access_token: READ.slice(1) },
    'one character': { access_token: READ.slice(0, 1) },
    'one character more': { access_token: `${READ}x` },
    'a zero byte more': { access_token: `${READ}\0` },
    'the key in two headers, as Node joins them': { access_token: `${READ}, ${READ}` },
    'the key twice': { access_token: READ + READ },
    'the key in capitals': { access_token: READ.toUpperCase() },
    'the key in quotes': { access_token: `"${READ}"` },
    'more than a key may have': { access_token: READ.repeat(20) },
    'a long text': { access_token: 'k'.repeat(10_000) },
    'another last character': { access_token: `${READ.slice(0, -1)}\u00ff` },
    'its digest': { access_token: hashKey(READ) },
    'its digest without the prefix': { access_token: hashKey(READ).slice('sha256:'.length) },
    'Bearer without a key': { authorization: 'Bearer' },
    'Bearer with an empty key': { authorization: 'Bearer ' },
    'no scheme': { authorization: READ },
    'another scheme': { authorization: `Digest ${READ}` },
    'the key as user': { authorization: basic(READ, '') },
    'Basic without a colon': { authorization: `Basic ${Buffer.from(READ).toString('base64')}` },
    'Basic without base64': { authorization: `Basic :${READ}` },
    'a cookie': { cookie: `access_token=${READ}` },
    'headers of other names': { 'access-token': READ, 'x-access-token': READ, apikey: READ },
  };
  for (const [kind, value] of Object.entries(stored)) {
    const check = createKeyCheck([validKey('read', value)]);
    for (const [name, headers] of Object.entries(wrong)) {
      test(`${name} is not valid, stored as ${kind}`, () => assert.equal(check(headers).access, undefined));
    }
  }

  test('is compared up to the maximum length', () => {
    for (const length of [1, 16, 32, 254, 255]) {
      const key = 'k'.repeat(length);
      const check = createKeyCheck([validKey('read', key)]);
      assert.equal(check({ access_token: key }).access, 'read');
      for (const other of [`${key}k`, key.slice(1), `${key}\0`, '']) assert.equal(check({ access_token: other }).access, undefined);
    }
  });
});

describe('two keys', () => {
  const check = createKeyCheck([validKey('read', READ), validKey('secrets', inCapitals(hashKey(SECRETS)))]);

  test('the first valid key of a request decides', () => {
    assert.equal(check({ access_token: 'wrong', 'x-api-key': SECRETS }).access, 'secrets');
    assert.deepEqual(check({ access_token: READ, 'x-api-key': SECRETS }), { access: 'read', wrong: 0 });
  });

  test('different wrong keys before it are counted', () => {
    assert.deepEqual(check({ access_token: 'wrong', 'x-api-key': READ, authorization: 'Bearer wrong' }), { access: 'read', wrong: 1 });
    assert.deepEqual(check({ access_token: '', 'x-api-key': 'wrong', authorization: 'Digest x' }), { access: undefined, wrong: 2 });
    assert.deepEqual(check({ access_token: 'a', 'x-api-key': 'b', authorization: 'Bearer c' }), { access: undefined, wrong: 3 });
    assert.deepEqual(check({ access_token: 'a', 'x-api-key': 'a', authorization: 'Bearer a' }), { access: undefined, wrong: 1 });
    assert.deepEqual(check({}), { access: undefined, wrong: 0 });
  });
});

describe('reading keys', () => {
  const read = (environment: Record<string, string>) => readKeys({ dotenv: '/nowhere/.env', host: '0.0.0.0', environment });

  test('finds none, one or two', () => {
    assert.equal(read({}), undefined);
    assert.equal(read({ APSNAP_SECRETS_KEY: SECRETS }), undefined);
    assert.deepEqual(
      read({ RASPAP_API_KEY: READ })?.map(({ access }) => access),
      ['read'],
    );
    assert.deepEqual(
      read({ RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: hashKey(SECRETS) })?.map(({ access, text }) => [access, text]),
      [
        ['read', READ],
        ['secrets', undefined],
      ],
    );
  });

  const wrong: readonly [name: string, environment: Record<string, string>, message: RegExp][] = [
    ['the same key twice', { RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: READ }, /^APSNAP_SECRETS_KEY is the same key as RASPAP_API_KEY/],
    ['a key and its digest', { RASPAP_API_KEY: hashKey(READ), APSNAP_SECRETS_KEY: READ }, /^APSNAP_SECRETS_KEY is the same key/],
    [
      'a digest twice',
      { RASPAP_API_KEY: hashKey(READ), APSNAP_SECRETS_KEY: inCapitals(hashKey(READ)) },
      /^APSNAP_SECRETS_KEY is the same key/,
    ],
    ['a short key', { RASPAP_API_KEY: READ, APSNAP_SECRETS_KEY: 'short' }, /^APSNAP_SECRETS_KEY has 5 characters: expected at least 16$/],
  ];
  for (const [name, environment, message] of wrong) {
    test(`rejects ${name} without quoting it`, () => {
      assert.throws(
        () => read(environment),
        (error) => {
          assert.ok(error instanceof StartError);
          assert.match(error.message, message);
          for (const value of Object.values(environment)) assert.ok(value.length < 10 || !error.message.includes(value.slice(7)));
          return true;
        },
      );
    });
  }
});

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, test } from 'node:test';
import { type Authorization, type Authorize, createAuthorize } from '../../../src/access/authorize.js';
import { createForwardedFor } from '../../../src/access/client-address.js';
import { createFailedKeys } from '../../../src/access/failed-keys.js';
import { createKeyCheck, validKey } from '../../../src/access/keys.js';

const READ = 'the-key-that-reads-0123456789';
const SECRETS = 'the-key-that-reads-secrets-0123456789';
const MAX_WRONG_KEYS = 3;
const LAPTOP = '192.0.2.1';
const LOCAL = '127.0.0.1';
const PROXY = '10.0.0.1';

const ALLOWED: Authorization = { kind: 'allowed', access: 'read' };
const UNAUTHORIZED: Authorization = { kind: 'unauthorized' };
const LIMITED: Authorization = { kind: 'too-many-wrong-keys', retryAfterSeconds: 60 };

let authorize: Authorize;
let nowMs: number;
beforeEach(() => {
  nowMs = 0;
  const check = createKeyCheck([validKey('read', READ), validKey('secrets', SECRETS)]);
  authorize = createAuthorize(
    () => check,
    createFailedKeys(MAX_WRONG_KEYS, () => nowMs),
    createForwardedFor([PROXY]),
  );
});

function send(remoteAddress: string, key: string | undefined, headers: Record<string, string> = {}): Authorization {
  const request = { socket: { remoteAddress }, headers: { ...(key !== undefined && { access_token: key }), ...headers } };
  return authorize(request as unknown as IncomingMessage);
}

function guess(remoteAddress: string, headers: Record<string, string> = {}): void {
  for (let n = 0; n < MAX_WRONG_KEYS; n++) assert.deepEqual(send(remoteAddress, `wrong-${n}`, headers), UNAUTHORIZED);
}

describe('authorize', () => {
  test('each key allows what it may read', () => {
    assert.deepEqual(send(LAPTOP, READ), ALLOWED);
    assert.deepEqual(send(LAPTOP, SECRETS), { kind: 'allowed', access: 'secrets' });
  });

  test('a request without a key is unauthorized and never limited', () => {
    for (let n = 0; n < 10 * MAX_WRONG_KEYS; n++) assert.deepEqual(send(LAPTOP, undefined), UNAUTHORIZED);
    assert.deepEqual(send(LAPTOP, READ), ALLOWED);
  });

  test('a limited address gets the same for a valid key, a wrong key and no key', () => {
    guess(LAPTOP);
    for (const key of ['wrong', READ, SECRETS, undefined]) assert.deepEqual(send(LAPTOP, key), LIMITED);
  });

  test('a limit ends after a minute', () => {
    guess(LAPTOP);
    nowMs = 59_001;
    assert.deepEqual(send(LAPTOP, READ), { kind: 'too-many-wrong-keys', retryAfterSeconds: 1 });
    nowMs = 60_000;
    assert.deepEqual(send(LAPTOP, READ), ALLOWED);
  });

  test('a limit is for one address', () => {
    guess(LAPTOP);
    assert.deepEqual(send('192.0.2.2', READ), ALLOWED);
  });

  test('a valid key from this machine is allowed while wrong ones are limited', () => {
    guess(LOCAL);
    assert.deepEqual(send(LOCAL, 'wrong'), LIMITED);
    for (const address of [LOCAL, '::ffff:127.0.0.1']) assert.deepEqual(send(address, READ), ALLOWED);
    guess('::1');
    assert.deepEqual(send('::1', 'wrong'), LIMITED);
    assert.deepEqual(send('::1', READ), ALLOWED);
  });

  test('a valid key through a proxy on this machine is limited, trusted or not', () => {
    for (const headers of [{ 'x-forwarded-for': '192.0.2.7' }, { forwarded: 'for=192.0.2.7' }]) {
      guess(LOCAL);
      assert.deepEqual(send(LOCAL, READ, headers), LIMITED);
      nowMs += 60_000;
    }
  });

  test('clients of a trusted proxy are limited one by one', () => {
    guess(PROXY, { 'x-forwarded-for': LAPTOP });
    for (const named of [LAPTOP, `::ffff:${LAPTOP}`, `192.0.2.77, ${LAPTOP}`])
      assert.deepEqual(send(PROXY, READ, { 'x-forwarded-for': named }), LIMITED, named);
    for (const named of ['192.0.2.2', `${LAPTOP}, 192.0.2.2`, '127.0.0.1'])
      assert.deepEqual(send(PROXY, READ, { 'x-forwarded-for': named }), ALLOWED, named);
  });

  test('a client that a trusted proxy calls loopback has no privilege', () => {
    guess(PROXY, { 'x-forwarded-for': LOCAL });
    assert.deepEqual(send(PROXY, READ, { 'x-forwarded-for': LOCAL }), LIMITED);
  });

  test('a client cannot choose its address in X-Forwarded-For', () => {
    for (let n = 0; n < MAX_WRONG_KEYS; n++) send(LAPTOP, 'wrong', { 'x-forwarded-for': `198.51.100.${n}` });
    assert.deepEqual(send(LAPTOP, 'wrong', { 'x-forwarded-for': '198.51.100.200' }), LIMITED);
  });

  test('different wrong keys of a request count each, repeated ones once', () => {
    const repeated = { 'x-api-key': 'wrong', authorization: 'Bearer wrong' };
    assert.deepEqual(send(LAPTOP, 'wrong', repeated), UNAUTHORIZED);
    assert.deepEqual(send(LAPTOP, 'wrong', repeated), UNAUTHORIZED);
    assert.deepEqual(send(LAPTOP, READ), ALLOWED);
    send('192.0.2.3', 'wrong-1', { 'x-api-key': 'wrong-2', authorization: 'Bearer wrong-3' });
    assert.deepEqual(send('192.0.2.3', READ), LIMITED);
  });

  test('a valid key does not excuse guesses at the other key in the same request', () => {
    for (let n = 0; n < MAX_WRONG_KEYS; n++) assert.deepEqual(send(LAPTOP, `wrong-${n}`, { 'x-api-key': READ }), ALLOWED);
    for (const guessed of ['wrong', SECRETS]) assert.deepEqual(send(LAPTOP, guessed, { 'x-api-key': READ }), LIMITED);
  });
});

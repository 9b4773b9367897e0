import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corsHeaders } from '../../../../src/http/middleware/cors.js';

const ALLOWED = ['https://dashboard.example'];

test('without allowed origins there are no headers', () => assert.deepEqual(corsHeaders('https://dashboard.example', []), []));

test('an allowed origin may read the response', () => {
  assert.deepEqual(corsHeaders('https://dashboard.example', ALLOWED).slice(0, 2), [
    'Access-Control-Allow-Origin',
    'https://dashboard.example',
  ]);
});

for (const origin of [undefined, 'null', '*', 'https://dashboard.example/', 'https://dashboard.example.evil.example']) {
  test(`the origin ${origin} may not read the response, which caches keep apart`, () => {
    assert.deepEqual(corsHeaders(origin, ALLOWED), ['Vary', 'Origin']);
  });
}

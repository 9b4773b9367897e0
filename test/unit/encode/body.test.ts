import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodeJson, encodeBody } from '../../../src/encode/body.js';

const rows = Array.from({ length: 100 }, (_, row) => ({ row, name: `client-${row}` }));

test('a body has its JSON, the same compressed, and a digest of it', () => {
  const { page, json, gzip, tag } = encodeBody('wlan0', { rows });
  assert.equal(page, 'wlan0');
  assert.deepEqual(decodeJson(json), { rows });
  assert.deepEqual(gunzipSync(gzip ?? assert.fail('not compressed')), Buffer.from(json));
  assert.match(tag, /^[\w-]{22}$/);
});

test('a body that fits into one packet is not compressed', () => {
  assert.equal(encodeBody(null, { rows: rows.slice(0, 10) }).gzip, null);
});

test('a body is encoded only if its JSON differs from that of the previous tag', () => {
  const { tag } = encodeBody(null, { rows });
  assert.equal(encodeBody(null, { rows: [...rows] }, tag), undefined);
  assert.notEqual(encodeBody(null, { rows: rows.slice(1) }, tag)?.tag, tag);
  assert.equal(encodeBody(null, { rows }, undefined)?.tag, tag);
});

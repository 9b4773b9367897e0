// Snapshots: documents' bytes joined, and compressed once until something changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { DocumentRecord } from '../../../../src/engine/records.js';
import { Store } from '../../../../src/engine/store.js';
import type { ReadyResponse } from '../../../../src/http/responses/ready.js';
import { createSnapshots } from '../../../../src/http/responses/snapshot.js';
import { composedReport, sampleReport } from '../../../support/reports.js';

/** A store whose document `dns/logs` can be composed. */
function setUp() {
  const store = new Store();
  store.record({ samples: [sampleReport('dnslog')], documents: [] });
  const compose = (json: string) => {
    const body = { page: null, json: Buffer.from(json), gzip: null, tag: json.slice(0, 9) };
    store.record({ samples: [], documents: [composedReport('dns/logs', [body])] });
  };
  return { respond: createSnapshots(store), records: [store.documents.get('dns/logs') as DocumentRecord], compose };
}

const large = (letter: string) => JSON.stringify(letter.repeat(10_000));

function bodyOf({ gzip }: ReadyResponse): { documents: Record<string, { data: unknown }> } {
  return JSON.parse(gunzipSync(Buffer.concat(gzip?.pieces ?? [])).toString());
}

test('a snapshot that fits into one packet is not compressed', async () => {
  const { respond, records, compose } = setUp();
  compose('[]');
  assert.equal((await respond(records, 'read', true)).gzip, undefined);
  compose(large('x'));
  assert.notEqual((await respond(records, 'read', true)).gzip, undefined);
});

test('clients share one compressed snapshot until a document changes', async () => {
  const { respond, records, compose } = setUp();
  compose(large('x'));
  const [first, second] = await Promise.all([respond(records, 'read', true), respond(records, 'read', true)]);
  assert.equal(first, second);
  assert.equal(bodyOf(first).documents['dns/logs']?.data, 'x'.repeat(10_000));
  compose(large('y'));
  const third = await respond(records, 'read', true);
  assert.equal(bodyOf(third).documents['dns/logs']?.data, 'y'.repeat(10_000));
  assert.notEqual(third.gzip?.etag, first.gzip?.etag);
});

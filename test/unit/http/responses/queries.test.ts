// Queries of documents: run once, and kept until the document changes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Body } from '../../../../src/encode/body.js';
import type { Answer, Failure, QueryTask } from '../../../../src/engine/messages.js';
import type { DocumentRecord } from '../../../../src/engine/records.js';
import { Store } from '../../../../src/engine/store.js';
import type { Workers } from '../../../../src/engine/worker-pool.js';
import { createQueries } from '../../../../src/http/responses/queries.js';
import { composedReport, sampleReport } from '../../../support/reports.js';

describe('queries', () => {
  /** Creates queries over workers that records each task and answers it when the test does so. */
  function setUp() {
    const store = new Store();
    const [record] = [store.documents.get('dns/logs') as DocumentRecord];
    const asked: { readonly task: QueryTask; answer(outcome: Answer | Failure): void }[] = [];
    const workers = { answer: (task: QueryTask) => new Promise((resolve) => asked.push({ task, answer: resolve })) } as unknown as Workers;
    store.record({ samples: [sampleReport('dnslog')], documents: [] });
    const compose = (tag: string) => store.record({ samples: [], documents: [composedReport('dns/logs', [body('[]', tag)])] });
    compose('one');
    return { store, record, asked, compose, query: createQueries(workers) };
  }

  function body(json: string, tag: string): Body {
    return { page: null, json: Buffer.from(json), gzip: null, tag };
  }

  const good = (json = '[]'): Answer => ({ kind: 'answered', body: body(json, 'x') });

  test('queries that mean the same run once', async () => {
    const { asked, record, query } = setUp();
    const answers = ['limit=5', 'limit=5&_=1', 'limit=05', '_=2&limit=5'].map((search) => query(record, search));
    assert.equal(asked.length, 1);
    asked[0]?.answer(good());
    for (const answer of answers) assert.equal((await answer)?.status, 200);
    assert.equal((await query(record, 'limit=5'))?.status, 200);
    assert.equal(asked.length, 1);
    void query(record, 'limit=6');
    assert.equal(asked.length, 2);
  });

  test('a query without a known parameter is not run', () => {
    const { asked, record, query } = setUp();
    for (const search of ['', '_=1', 'Limit=5', '__proto__=1', 'toString=1', '&&&', '%'])
      assert.equal(query(record, search), undefined, search);
    assert.equal(asked.length, 0);
  });

  test('a query runs again if the document has changed', async () => {
    const { asked, record, query, compose } = setUp();
    const first = query(record, 'limit=5');
    compose('two');
    const second = query(record, 'limit=5');
    assert.equal(asked.length, 2);
    for (const one of asked) one.answer(good());
    await Promise.all([first, second]);
    compose('two');
    await query(record, 'limit=5');
    assert.equal(asked.length, 2, 'the same bytes');
  });

  test('a failure is not cached, and its message says what to do', async () => {
    const { asked, record, query } = setUp();
    for (let n = 0; n < 2; n++) {
      const answer = query(record, 'limit=5');
      asked[n]?.answer({ kind: 'failed', code: 'permission', message: '/var/log/dnsmasq.log: permission denied' });
      await assert.rejects(answer ?? Promise.resolve(), {
        status: 503,
        message: /^dns\/logs: \/var\S+: permission denied \(.*usermod.*\)$/,
      });
    }
    assert.equal(asked.length, 2);
  });

  test('the size of the cache is limited', async () => {
    const { asked, record, query } = setUp();
    const large = 'x'.repeat(3 << 20);
    const ask = async (limit: number) => {
      const amount = asked.length;
      const answer = query(record, `limit=${limit}`);
      if (asked.length > amount) asked.at(-1)?.answer(good(large));
      await answer;
      return asked.length > amount;
    };
    assert.deepEqual([await ask(1), await ask(2), await ask(1), await ask(2)], [true, true, false, false]);
    // The cache has no room for the third next to the others.
    assert.deepEqual([await ask(3), await ask(3), await ask(3)], [true, true, false]);
    // The cache has no room for many at once either.
    const many = Array.from({ length: 20 }, (_, n) => query(record, `limit=${100 + n}`));
    for (const one of asked.slice(-20)) one.answer(good(large));
    await Promise.all(many);
    const again = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(100 + n)));
    assert.ok(again.filter((isNew) => isNew).length >= 17);
  });
});

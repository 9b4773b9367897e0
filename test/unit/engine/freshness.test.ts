// Whether a collector's last value is fresh, and why it isn't.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type AnyCollector, type CollectorName, collectors } from '../../../src/collectors/index.js';
import { documentByName } from '../../../src/documents/index.js';
import { freshnessOf, isExpired, problemOf, problemOfDocument, problemText } from '../../../src/engine/freshness.js';
import type { Failure } from '../../../src/engine/messages.js';
import type { CollectorRecord, DocumentRecord } from '../../../src/engine/records.js';
import { Store } from '../../../src/engine/store.js';
import { GOOD } from '../../support/reports.js';

const NOW_MS = 100_000_000;
const failed: Failure = { kind: 'failed', code: 'malformed', message: 'not a number' };

/** Returns the record of the first collector of a lane, sampled some time ago. */
function recordOf(lane: AnyCollector['lane'], changes: Partial<CollectorRecord>): CollectorRecord {
  const { name } = collectors.find((one) => one.lane === lane) as AnyCollector;
  return { ...(new Store().collectors.get(name) as CollectorRecord), ...changes };
}

function at(context: TestContext, nowMs: number): void {
  context.mock.method(process.hrtime, 'bigint', () => BigInt(nowMs) * 1_000_000n);
}

describe('a collector', () => {
  const good = { good: GOOD, goodAtMonotonicMs: NOW_MS, endedAtMonotonicMs: NOW_MS, intervalMs: 2_000 };
  const minutes = { ...good, intervalMs: 60_000 };
  const unscheduled = { ...good, intervalMs: Number.POSITIVE_INFINITY };
  const failing = { ...good, failure: failed };
  const neverGood = { failure: failed, endedAtMonotonicMs: NOW_MS, intervalMs: 2_000 };

  for (const [title, lane, record, ageMs, code, expired] of [
    ['never sampled', 'quick', {}, 0, 'pending', true],
    ['just sampled', 'quick', good, 0, undefined, false],
    ['sampled 3 intervals and 4 s ago', 'quick', good, 10_000, undefined, false],
    ['sampled longer ago', 'quick', good, 10_001, 'overdue', true],
    ['program, sampled 3 intervals and 4 s ago', 'program', good, 10_000, undefined, false],
    ['program, sampled longer ago', 'program', good, 10_001, 'overdue', true],
    ['block list, sampled 3 intervals and 90 s ago', 'heavy', minutes, 270_000, undefined, false],
    ['block list, sampled longer ago', 'heavy', minutes, 270_001, 'overdue', true],
    ['without a schedule, sampled a day ago', 'quick', unscheduled, 86_400_000, undefined, false],
    ['failing, after a good sample', 'quick', failing, 0, 'malformed', false],
    ['failing, long after a good sample', 'quick', { ...failing, endedAtMonotonicMs: NOW_MS + 10_001 }, 10_001, 'malformed', true],
    ['failing, without a good sample', 'quick', neverGood, 0, 'malformed', true],
    ['failing, and the failure is overdue', 'quick', neverGood, 10_001, 'malformed', true],
  ] as const) {
    test(`${title}: ${code ?? 'fresh'}${expired ? ', expired' : ''}`, (context) => {
      at(context, NOW_MS + ageMs);
      const full = recordOf(lane, record);
      assert.equal(problemOf(full)?.code, code);
      assert.equal(isExpired(full), expired);
    });
  }

  test('the message of an overdue sample does not change with time', (context) => {
    const record = recordOf('quick', good);
    at(context, NOW_MS + 20_000);
    const problem = problemOf(record);
    assert.equal(problem?.message, `${record.collector.name}: not sampled for more than 3 intervals of 2 s`);
    context.mock.restoreAll();
    at(context, NOW_MS + 90_000);
    assert.deepEqual(problemOf(record), problem);
  });

  test('a failure names the collector, and has advice', () => {
    const record = recordOf('quick', failing);
    const problem = problemOf(record);
    assert.equal(problem?.message, `${record.collector.name}: not a number`);
    assert.ok(problem?.advice);
    assert.equal(problemText(problem), `${problem.message} (${problem.advice})`);
  });

  test('a sample that has not come yet has no advice', () => {
    const problem = problemOf(recordOf('quick', {}));
    assert.equal(problem && problemText(problem), `${recordOf('quick', {}).collector.name}: not sampled yet`);
  });
});

test('a document that cannot be composed has a problem in its own name', () => {
  const problem = problemOfDocument(documentByName('clients') as never, { ...failed, code: 'internal' });
  assert.deepEqual([problem.code, problem.message], ['internal', 'clients: not a number']);
  assert.match(problem.advice ?? '', /bug in apsnap/);
});

describe('a document', () => {
  const bodies = new Map([[null, { page: null, json: Buffer.from('{}'), gzip: null, tag: 'a', modifiedMs: 0 }]]);
  const record = new Store().documents.get('dns/upstream') as DocumentRecord;
  const part = (name: CollectorName, changes: Partial<CollectorRecord>): CollectorRecord => ({
    ...(new Store().collectors.get(name) as CollectorRecord),
    ...{ good: GOOD, goodAtMs: 20_000, endedAtMonotonicMs: NOW_MS, goodAtMonotonicMs: NOW_MS },
    ...changes,
  });
  const pending = { good: undefined, goodAtMs: undefined, endedAtMonotonicMs: undefined };

  for (const [title, document, dnsmasq, resolv, expected] of [
    ['without bytes or samples', {}, pending, pending, ['absent', 'dnsmasq: not sampled yet', null]],
    ['without bytes, and a part is missing', {}, {}, pending, ['absent', 'resolv: not sampled yet', 20_000]],
    [
      'without bytes, and one part fails, another is missing',
      {},
      { failure: failed },
      pending,
      ['absent', 'resolv: not sampled yet', 20_000],
    ],
    ['with good parts', { bodies }, {}, { goodAtMs: 30_000 }, ['fresh', undefined, 30_000]],
    ['with a failing part', { bodies }, {}, { goodAtMs: 10_000, failure: failed }, ['stale', 'resolv: not a number', 10_000]],
    [
      'with failing parts',
      { bodies },
      { failure: failed },
      { goodAtMs: 10_000, failure: failed },
      ['stale', 'dnsmasq: not a number', 10_000],
    ],
    ['that cannot be composed', { bodies, failure: failed, sampledAtMs: 5_000 }, {}, {}, ['stale', 'dns/upstream: not a number', 5_000]],
    ['that lacks a value of a part', { bodies, isPostponed: true, sampledAtMs: 5_000 }, {}, {}, ['fresh', undefined, 5_000]],
    ['that cannot be composed at first', { failure: failed }, {}, {}, ['absent', 'dns/upstream: not a number', 20_000]],
  ] as const) {
    test(`${title}: ${expected[0]}`, () => {
      const parts = [part('dnsmasq', dnsmasq), part('resolv', resolv)];
      const { state, problem, sampledAtMs } = freshnessOf({ ...record, ...document }, parts, NOW_MS);
      assert.deepEqual([state, problem?.message, sampledAtMs], expected);
    });
  }
});

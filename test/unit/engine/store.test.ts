// What the store makes of reports: bodies at generations, and age and error of each collector.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { CollectorName } from '../../../src/collectors/index.js';
import type { Body } from '../../../src/encode/body.js';
import { createClock } from '../../../src/engine/clock.js';
import type { Composed, Copy, Failure, SampleReport } from '../../../src/engine/messages.js';
import type { DocumentRecord } from '../../../src/engine/records.js';
import { type Results, Store } from '../../../src/engine/store.js';
import { composedReport, GOOD, sampleReport } from '../../support/reports.js';

const START_MS = Date.UTC(2024, 2, 10);
const failure: Failure = { kind: 'failed', code: 'malformed', message: 'not a number' };
const metrics = [['x', '', '', 'x 1\n']] as const;

/** Creates a store whose clocks the test moves. */
function setUp(context: TestContext) {
  let wallMs = START_MS;
  let monotonic = 1_000_000;
  context.mock.method(Date, 'now', () => wallMs);
  context.mock.method(process.hrtime, 'bigint', () => BigInt(monotonic) * 1_000_000n);
  const store = new Store(100, createClock());
  const told: string[] = [];
  store.onChange(({ document }) => told.push(document.name));
  return {
    store,
    pass(ms: number) {
      wallMs += ms;
      monotonic += ms;
    },
    setClock(byMs: number) {
      wallMs += byMs;
    },
    record: (results: Partial<Results>, thorough?: boolean) => store.record({ samples: [], documents: [], ...results }, thorough),
    collector: (name: CollectorName) => store.collectors.get(name) as NonNullable<ReturnType<typeof store.collectors.get>>,
    document: (name: string) => store.documents.get(name) as DocumentRecord,
    /** Returns the documents that listeners were called for since the previous call. */
    told: () => told.splice(0),
  };
}

const body = (tag: string, page: string | null = null): Body => ({ page, json: Buffer.from(`"${tag}"`), gzip: null, tag });
const good = (name: CollectorName, copy?: Copy | null): SampleReport => sampleReport(name, copy === undefined ? GOOD : { ...GOOD, copy });
/** A report of a document with some pages, some of which have new bytes. */
const pagesOf = (
  document: string,
  pages: readonly (string | null)[],
  changed: readonly Body[],
  more: Partial<Composed> = {},
): Composed => ({
  ...composedReport(document, []),
  form: { pages, changed },
  ...more,
});
const tagsOf = (bodies: ReadonlyMap<string | null, { readonly tag: string }> | undefined) =>
  bodies && Object.fromEntries([...bodies].map(([page, { tag }]) => [page ?? '', tag]));

describe('samples', () => {
  test('a good sample makes its documents fresh, as of its start', (context) => {
    const { document, pass, record, store, told } = setUp(context);
    assert.deepEqual([document('firewall').state, document('firewall').problem], ['absent', null]);
    store.review();
    assert.deepEqual([document('firewall').state, document('firewall').problem?.code], ['absent', 'pending']);
    told();
    pass(5_000);
    record({ samples: [sampleReport('firewall', GOOD, 300)], documents: [composedReport('firewall', [body('a')])] });
    const { state, problem, sampledAtMs, generation } = document('firewall');
    assert.deepEqual([state, problem, sampledAtMs, generation], ['fresh', null, START_MS + 4_700, store.generation]);
    assert.deepEqual(told(), ['firewall']);
  });

  test('a failed sample makes its documents stale, and they keep bytes, generation and time', (context) => {
    const { document, pass, record, told } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    const { sampledAtMs, generation } = document('firewall');
    told();
    pass(2_000);
    record({ samples: [sampleReport('firewall', failure)] });
    const now = document('firewall');
    assert.deepEqual([now.state, now.problem?.message, now.sampledAtMs], ['stale', 'firewall: not a number', sampledAtMs]);
    assert.deepEqual([tagsOf(now.bodies), now.generation], [{ '': 'a' }, generation]);
    assert.deepEqual(told(), ['firewall']);
    record({ samples: [sampleReport('firewall', failure)] });
    assert.deepEqual(told(), [], 'nothing is new');
  });

  test('a stale document is as old as its oldest failing part', (context) => {
    const { document, pass, record } = setUp(context);
    record({ samples: [good('dnsmasq'), good('resolv')], documents: [composedReport('dns/upstream', [body('a')])] });
    const atMs = document('dns/upstream').sampledAtMs;
    pass(2_000);
    record({ samples: [good('dnsmasq'), sampleReport('resolv', failure)] });
    assert.deepEqual([document('dns/upstream').state, document('dns/upstream').sampledAtMs], ['stale', atMs]);
  });

  test('a document that lacks a value which a part has already is no newer than its bytes', (context) => {
    const { document, pass, record } = setUp(context);
    record({ samples: [good('dnsmasq'), good('resolv')], documents: [composedReport('dns/upstream', [body('a')])], postponed: [] });
    const atMs = document('dns/upstream').sampledAtMs;
    pass(2_000);
    record({ samples: [good('dnsmasq')], postponed: ['dns/upstream'] });
    assert.deepEqual([document('dns/upstream').state, document('dns/upstream').sampledAtMs], ['fresh', atMs]);
    record({ documents: [composedReport('dns/upstream', [body('b')])], postponed: [] });
    assert.equal(document('dns/upstream').sampledAtMs, START_MS + 1_999);
  });

  test('the same bytes again move only the sampling time', (context) => {
    const { document, pass, record, store, told } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    const { generation } = store;
    told();
    pass(2_000);
    record({ samples: [good('firewall')] });
    assert.deepEqual([document('firewall').sampledAtMs, store.generation], [START_MS + 1_999, generation]);
    assert.deepEqual(told(), ['firewall']);
  });

  test('a document whose required part has failed is absent, and says why', (context) => {
    const { document, record } = setUp(context);
    record({ samples: [sampleReport('dnsmasq', failure), good('resolv')] });
    assert.deepEqual([document('dns/upstream').state, document('dns/upstream').problem?.code], ['absent', 'malformed']);
  });

  test('listeners get each sample, and revisions count results', (context) => {
    const { record, store } = setUp(context);
    const samples: string[] = [];
    store.onSample(({ collector, outcome }) => samples.push(`${collector} ${outcome.kind}`));
    record({ samples: [good('load'), sampleReport('cpu', failure)] });
    const { revision } = store;
    record({});
    assert.deepEqual([samples, store.revision], [['load sampled', 'cpu failed'], revision]);
  });

  test('metrics and sources replace the last ones', (context) => {
    const { collector, record } = setUp(context);
    record({ samples: [{ ...good('load'), sources: ['/proc/loadavg'] }], metrics: new Map([['load', metrics]]) });
    record({ samples: [good('load')] });
    assert.deepEqual([collector('load').metrics, collector('load').sources], [metrics, ['/proc/loadavg']]);
    record({ metrics: new Map([['load', []]]) });
    assert.deepEqual(collector('load').metrics, []);
  });
});

describe('unchanged files', () => {
  test('they are reported every 10 s, and at once if a client requests a sample', (context) => {
    const { collector, document, pass, record, told } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    told();
    pass(5_000);
    record({ unchanged: ['firewall'] });
    assert.deepEqual([document('firewall').sampledAtMs, told()], [START_MS - 1, []]);
    assert.equal(collector('firewall').endedAtMonotonicMs, 1_005_000, 'it is not overdue');
    record({ unchanged: ['firewall'] }, true);
    assert.deepEqual([document('firewall').sampledAtMs, told()], [START_MS + 5_000, ['firewall']]);
    pass(10_000);
    record({ unchanged: ['firewall'] });
    assert.deepEqual([document('firewall').sampledAtMs, told()], [START_MS + 15_000, ['firewall']]);
  });

  test('they count as of the start of the cycle that checked them', (context) => {
    const { document, pass, record } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    pass(20_000);
    record({ unchanged: ['firewall'], startedMonotonicMs: 1_019_950 });
    assert.equal(document('firewall').sampledAtMs, START_MS + 19_950);
  });

  test('a collector that failed would fail again', (context) => {
    const { collector, document, pass, record } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    record({ samples: [sampleReport('firewall', failure)] });
    const { sampledAtMs } = document('firewall');
    pass(20_000);
    record({ unchanged: ['firewall'] }, true);
    assert.deepEqual([collector('firewall').failure, document('firewall').sampledAtMs], [failure, sampledAtMs]);
  });
});

describe('documents', () => {
  test('pages that have not changed keep their bytes and times', (context) => {
    const { document, pass, record, store } = setUp(context);
    record({ documents: [pagesOf('clients', [null, 'wlan0', 'eth0'], [body('a'), body('b', 'wlan0'), body('c', 'eth0')])] });
    const { generation } = store;
    pass(1_000);
    record({ documents: [pagesOf('clients', [null, 'wlan0', 'eth0'], [body('d', 'wlan0')])] });
    const { bodies } = document('clients');
    assert.deepEqual(tagsOf(bodies), { '': 'a', wlan0: 'd', eth0: 'c' });
    assert.deepEqual([bodies.get(null)?.modifiedMs, bodies.get('wlan0')?.modifiedMs], [START_MS, START_MS + 1_000]);
    assert.equal(store.generation, generation + 1);
  });

  test('a page that is gone makes a new generation', (context) => {
    const { document, record, store } = setUp(context);
    record({ documents: [pagesOf('clients', [null, 'wlan0'], [body('a'), body('b', 'wlan0')])] });
    const { generation } = store;
    record({ documents: [pagesOf('clients', [null], [])] });
    assert.deepEqual([tagsOf(document('clients').bodies), store.generation], [{ '': 'a' }, generation + 1]);
  });

  test('bytes that a new worker sends again are the same', (context) => {
    const { document, pass, record, store } = setUp(context);
    record({ documents: [composedReport('firewall', [body('a')])] });
    const { generation } = store;
    pass(1_000);
    record({ documents: [composedReport('firewall', [body('a')])] });
    assert.deepEqual([document('firewall').bodies.get(null)?.modifiedMs, store.generation], [START_MS, generation]);
  });

  test('forms with secrets come and go, each as a new generation', (context) => {
    const { document, record, store } = setUp(context);
    record({ documents: [composedReport('ap', [body('a')])] });
    assert.equal(document('ap').secretBodies, undefined);
    for (const [secretForm, tags] of [
      [{ pages: [null], changed: [body('s')] }, { '': 's' }],
      [{ pages: [null], changed: [body('t')] }, { '': 't' }],
      [undefined, undefined],
    ] as const) {
      const { generation } = store;
      record({ documents: [pagesOf('ap', [null], [], { secretForm })] });
      assert.deepEqual([tagsOf(document('ap').secretBodies), tagsOf(document('ap').bodies)], [tags, { '': 'a' }]);
      assert.equal(store.generation, generation + 1);
    }
    const { generation } = store;
    record({ documents: [pagesOf('ap', [null], [])] });
    assert.equal(store.generation, generation);
  });

  test('a document that cannot be composed is stale, and no newer than its bytes', (context) => {
    const { document, pass, record } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    const { sampledAtMs } = document('firewall');
    pass(2_000);
    record({ samples: [good('firewall')], documents: [{ kind: 'not-composed', document: 'firewall', failure }] });
    const stale = document('firewall');
    assert.deepEqual([stale.state, stale.problem?.message, stale.sampledAtMs], ['stale', 'firewall: not a number', sampledAtMs]);
    assert.deepEqual(tagsOf(stale.bodies), { '': 'a' });
    pass(2_000);
    record({ samples: [good('firewall')] });
    assert.equal(document('firewall').sampledAtMs, sampledAtMs);
    record({ documents: [pagesOf('firewall', [null], [])] });
    assert.deepEqual([document('firewall').state, document('firewall').sampledAtMs], ['fresh', START_MS + 3_999]);
  });

  test('listeners get changes within a document, and metrics stay until others replace them', (context) => {
    const { document, record, store } = setUp(context);
    const events: string[] = [];
    store.onEvent(({ event }) => events.push(event));
    record({ documents: [pagesOf('clients', [null], [body('a')], { changes: [{ event: 'client-joined', data: {} }], metrics })] });
    record({ documents: [pagesOf('clients', [null], [body('b')])] });
    assert.deepEqual([events, document('clients').metrics], [['client-joined'], metrics]);
  });
});

describe('time', () => {
  test('a document becomes stale with time alone', (context) => {
    const { document, pass, record, store, told } = setUp(context);
    store.setInterval('firewall', 1_000);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    told();
    pass(7_001);
    store.review();
    assert.equal(document('firewall').problem?.code, 'overdue');
    assert.ok(told().includes('firewall'));
    store.review();
    assert.deepEqual(told(), []);
  });

  test('if the clock is set, times move with it and listeners are called once', (context) => {
    const { document, record, setClock, store, told } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    const times = () => [document('firewall').sampledAtMs, document('firewall').bodies.get(null)?.modifiedMs];
    const [sampledAtMs = 0, modifiedMs = 0] = times() as number[];
    store.review();
    told();
    let movedMs = 0;
    for (const setMs of [3_600_000, -3_600_000, 700, -700]) {
      movedMs += setMs;
      setClock(setMs);
      store.review();
      assert.deepEqual(times(), [sampledAtMs + movedMs, modifiedMs + movedMs]);
      assert.deepEqual(told(), ['firewall']);
      store.review();
      assert.deepEqual(told(), []);
    }
  });

  test('the times of a document that cannot be composed move too', (context) => {
    const { document, record, setClock, store } = setUp(context);
    record({ samples: [good('firewall')], documents: [composedReport('firewall', [body('a')])] });
    record({ documents: [{ kind: 'not-composed', document: 'firewall', failure }] });
    setClock(-3_600_000);
    store.review();
    assert.equal(document('firewall').sampledAtMs, START_MS - 3_600_001);
  });
});

describe('what a new worker starts with', () => {
  const copy = (shown: string): Copy => ({ shown, whole: undefined });

  test('the last copy of each value', (context) => {
    const { record, store } = setUp(context);
    record({ samples: [good('load', copy('1')), good('cpu', copy('2')), good('stations', null)] });
    record({ samples: [good('load', copy('3')), good('cpu'), sampleReport('memory', failure)] });
    const { copies, uncopied } = store.restored();
    assert.deepEqual([...copies].map(([name, { shown }]) => `${name} ${shown}`).sort(), ['cpu 2', 'load 3']);
    assert.deepEqual(uncopied, ['stations']);
  });

  test('a failure keeps the copy of the last good value', (context) => {
    const { record, store } = setUp(context);
    record({ samples: [good('load', copy('1'))] });
    record({ samples: [sampleReport('load', failure)] });
    assert.equal(store.restored().copies.get('load')?.shown, '1');
  });

  test('a value that has grown too large has no copy', (context) => {
    const { record, store } = setUp(context);
    record({ samples: [good('stations', copy('1'))] });
    record({ samples: [good('stations', null)] });
    assert.deepEqual([store.restored().copies.size, store.restored().uncopied], [0, ['stations']]);
  });

  test('bodies of documents whose changes are events', (context) => {
    const { record, store } = setUp(context);
    record({ documents: [composedReport('clients', [body('a'), body('b', 'wlan0')]), composedReport('firewall', [body('c')])] });
    assert.deepEqual(
      [...store.restored().bodies].map(([name, json]) => [name, Buffer.from(json).toString()]),
      [['clients', '"a"']],
    );
  });
});

// Cycles of the worker that owns the snapshot: in the test's own process, on a machine in memory.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type AnyCollector, type CollectorName, collectorByName, collectors } from '../../../src/collectors/index.js';
import { documents } from '../../../src/documents/index.js';
import { decodeJson } from '../../../src/encode/body.js';
import type { Reads } from '../../../src/engine/change-detection.js';
import { createCycle, subjectOf } from '../../../src/engine/cycle.js';
import { type Composed, type CycleReport, type CycleRequest, NOTHING, type Restored } from '../../../src/engine/messages.js';
import { Store } from '../../../src/engine/store.js';
import type { IpMonitorLines, Sampling } from '../../../src/model/collector.js';
import { allNames, createChangingMachine } from '../../support/engine.js';
import { settled } from '../../support/fake-workers.js';
import { wholeMachine } from '../../support/fixture.js';

/** The passphrase of the access point. */
const SECRET = 'seven-gulls-at-noon';
const WANTS: CycleRequest['wants'] = { metrics: false, changes: false, secrets: false, sources: false };

/** Creates a worker's cycle on the machine of a Raspberry Pi, with a clock that the test moves. */
function setUp(context: TestContext) {
  // Programs end before the cycle does, unless the test keeps them.
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { ms: 1_000_000 };
  context.mock.method(process.hrtime, 'bigint', () => BigInt(clock.ms) * 1_000_000n);
  context.mock.method(Date, 'now', () => Date.UTC(2024, 2, 10, 10, 11) + clock.ms);
  const changing = createChangingMachine(wholeMachine('raspap-pi4').archive.entries);
  const steps: number[] = [];
  const late: string[] = [];
  const machine = { ...changing.machine };
  /** Programs that have started, by command line. */
  const programs = new Map<string, { end(): Promise<void> }>();
  /** What the main thread keeps of lists. */
  const listReads = new Map<CollectorName, Reads>();
  const newWorker = () => {
    const options = { exposeSecrets: false, maxStationMetrics: 1_000 };
    const cycle = createCycle(machine, options, { onStep: (step) => steps.push(step), onLate: () => late.push('late') });
    return async (request: Partial<CycleRequest>) => {
      const report = await cycle({
        ...{ due: [], thorough: false, wants: WANTS, ipMonitor: undefined, listReads, restored: undefined, leftOut: [] },
        ...request,
      });
      for (const { sample, reads } of report.lists) if (reads) listReads.set(sample.collector, reads);
      return report;
    };
  };
  return {
    ...{ ...changing, clock, steps, late, programs, newWorker, cycle: newWorker() },
    write(path: string, text: string) {
      changing.entries.set(path, text);
      changing.apply();
    },
    /** Programs that start from now on end when the test says so. */
    keepPrograms() {
      machine.run = (program, args) =>
        new Promise((resolve) => {
          const end = async () => {
            resolve(await changing.machine.run(program, args));
            await settled();
          };
          programs.set([program, ...args].join(' '), { end });
        });
    },
    /** Runs a cycle that gives up waiting for programs. */
    async impatient(request: Promise<CycleReport>): Promise<CycleReport> {
      await settled();
      context.mock.timers.tick(50);
      return request;
    },
  };
}

const documentsIn = ({ documents: reports }: CycleReport) => reports.map(({ document }) => document);
const sampledIn = ({ samples }: CycleReport) => samples.map(({ collector }) => collector).sort();
const bodyIn = (report: CycleReport, name: string) => {
  const composed = report.documents.find(({ document }) => document === name) as Composed | undefined;
  const body = composed?.form.changed.find(({ page }) => page === null);
  return body && (decodeJson(body.json) as Record<string, unknown>);
};

/** What the main thread keeps of a report, for the next worker. */
function restoredFrom(...reports: readonly CycleReport[]): Restored {
  const store = new Store();
  for (const report of reports) store.record(report);
  return store.restored();
}

describe('documents', () => {
  test('the first cycle composes every document', async (context) => {
    const report = await setUp(context).cycle({ due: allNames });
    assert.deepEqual(sampledIn(report), allNames.filter((name) => collectorByName(name)?.lane !== 'heavy').sort());
    assert.deepEqual(report.lists.map(({ sample }) => sample.collector).sort(), ['domains', 'hostnames']);
    const made = [...documentsIn(report), ...report.lists.map((list) => list.document?.document)];
    assert.deepEqual(made.sort(), documents.map(({ name }) => name).sort());
  });

  test('only documents whose parts have changed are reported', async (context) => {
    const { cycle, write } = setUp(context);
    await cycle({ due: allNames });
    assert.deepEqual(documentsIn(await cycle({ due: allNames })), []);
    write('proc/loadavg', '7.77 0.20 0.30 1/163 4711\n');
    assert.deepEqual(documentsIn(await cycle({ due: ['cpu', 'memory'] })), [], 'it is not sampled');
    const report = await cycle({ due: ['load'] });
    assert.deepEqual(documentsIn(report), ['system']);
    assert.equal(bodyIn(report, 'system')?.LoadAvg1Min, 7.77);
  });

  test('a page that has not changed is not sent again', async (context) => {
    const { cycle, entries, apply } = setUp(context);
    const first = (await cycle({ due: allNames })).documents.find(({ document }) => document === 'clients') as Composed;
    assert.ok(first.form.pages.length > 2, 'it has pages');
    const dump = [...entries.keys()].find((path) => path.startsWith('cmd/iw dev') && path.endsWith('station dump')) as string;
    entries.set(dump, Buffer.from(''));
    apply();
    const report = await cycle({ due: ['stations'] });
    const clients = report.documents.find(({ document }) => document === 'clients') as Composed;
    assert.deepEqual(clients.form.pages, first.form.pages);
    assert.ok(clients.form.changed.length < clients.form.pages.length);
  });

  test('a document waits for its required parts', async (context) => {
    const { cycle } = setUp(context);
    assert.deepEqual(documentsIn(await cycle({ due: ['clock', 'load', 'memory'] })), []);
    assert.deepEqual(documentsIn(await cycle({ due: ['host'] })), ['system']);
  });

  test('a document that is left out is composed later', async (context) => {
    const { cycle } = setUp(context);
    assert.deepEqual(documentsIn(await cycle({ due: ['firewall'], leftOut: ['firewall'] })), []);
    assert.deepEqual(documentsIn(await cycle({})), ['firewall']);
  });

  test('a document that cannot be composed fails alone, and is retried although no part has changed', async (context) => {
    const { cycle } = setUp(context);
    const firewall = documents.find(({ name }) => name === 'firewall') as (typeof documents)[number];
    const broken = context.mock.method(firewall, 'compose', () => {
      throw new TypeError('injected');
    });
    const report = await cycle({ due: allNames });
    assert.deepEqual(
      report.documents.flatMap((one) => (one.kind === 'not-composed' ? [one] : [])),
      [{ kind: 'not-composed', document: 'firewall', failure: { kind: 'failed', code: 'internal', message: 'TypeError: injected' } }],
    );
    broken.mock.restore();
    assert.deepEqual(documentsIn(await cycle({})), ['firewall']);
  });

  test('secrets are sent in a form of their own, and only while they are wanted', async (context) => {
    const { cycle } = setUp(context);
    const text = (report: CycleReport) =>
      JSON.stringify(report, (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value));
    const hidden = await cycle({ due: allNames });
    assert.ok(hidden.documents.every((one) => one.kind === 'composed' && one.secretForm === undefined));
    const wants = { ...WANTS, secrets: true };
    const shown = await cycle({ due: allNames, wants });
    const withSecrets = shown.documents.flatMap((one) => (one.kind === 'composed' && one.secretForm ? [one] : []));
    assert.ok(withSecrets.some(({ document }) => document === 'ap'));
    for (const { form, secretForm, document } of withSecrets) {
      assert.deepEqual(form.changed, [], `${document} is the same without its secrets`);
      assert.ok(secretForm && secretForm.changed.length > 0, document);
    }
    assert.ok(!text(hidden).includes(SECRET) && text(shown).includes(SECRET));
    const again = await cycle({ due: allNames });
    assert.ok(again.documents.length > 0 && again.documents.every((one) => one.kind === 'composed' && one.secretForm === undefined));
  });
});

describe('samples', () => {
  test('files that have not changed are not read again', async (context) => {
    const { cycle, apply } = setUp(context);
    const fileNames = collectors.filter(({ trigger }) => trigger === 'file-change').map(({ name }) => name);
    await cycle({ due: allNames });
    const second = await cycle({ due: allNames });
    assert.deepEqual([...second.unchanged].sort(), [...fileNames].sort());
    apply();
    const third = await cycle({ due: allNames });
    assert.deepEqual(third.unchanged, []);
    assert.deepEqual(documentsIn(third), [], 'their values are the same');
  });

  test('a value is copied for the main thread only if it has changed', async (context) => {
    const { cycle, write } = setUp(context);
    const copyOf = (report: CycleReport) => report.samples.flatMap(({ outcome }) => (outcome.kind === 'sampled' ? [outcome.copy] : []));
    const [first] = copyOf(await cycle({ due: ['load'] }));
    assert.equal(typeof first?.shown, 'string');
    assert.deepEqual(copyOf(await cycle({ due: ['load'] })), [undefined]);
    write('proc/loadavg', '7.77 0.20 0.30 1/163 4711\n');
    assert.match(copyOf(await cycle({ due: ['load'] }))[0]?.shown ?? '', /7\.77/);
  });

  test('a collector that throws fails alone', async (context) => {
    const { cycle } = setUp(context);
    context.mock.method(collectorByName('load') as AnyCollector, 'read', () => {
      throw new TypeError('injected');
    });
    const { samples } = await cycle({ due: allNames });
    const failed = samples.flatMap(({ collector, outcome }) => (outcome.kind === 'failed' ? [`${collector}: ${outcome.message}`] : []));
    assert.deepEqual(failed, ['load: TypeError: injected']);
  });

  test('after a failure, a collector gets the state of its last good sample', async (context) => {
    const { cycle } = setUp(context);
    const seen: unknown[] = [];
    let reads = 0;
    context.mock.method(collectorByName('traffic') as AnyCollector, 'read', (_machine: unknown, { carried }: Sampling<unknown>) => {
      seen.push(carried);
      if (++reads === 2) throw new TypeError('injected');
      return { value: { interfaces: [] }, carry: reads };
    });
    for (let n = 0; n < 4; n++) await cycle({ due: ['traffic'] });
    assert.deepEqual(seen, [undefined, 1, 1, 3]);
  });

  test('each read and each composition is a step, and no step remains at the end', async (context) => {
    const { cycle, steps } = setUp(context);
    await cycle({ due: ['firewall'] });
    assert.deepEqual(steps.map(subjectOf), [{ collector: 'firewall' }, { document: 'firewall' }, undefined]);
    assert.equal(steps.at(-1), NOTHING);
    assert.equal(subjectOf(collectors.length + documents.length), undefined);
  });

  test('a sample reports the paths and programs that it used if the main thread wants them', async (context) => {
    const { cycle } = setUp(context);
    const sourcesOf = (report: CycleReport) => report.samples[0]?.sources;
    assert.deepEqual(sourcesOf(await cycle({ due: ['load'], wants: { ...WANTS, sources: true } })), ['/proc/loadavg']);
    assert.equal(sourcesOf(await cycle({ due: ['load'] })), undefined);
  });
});

describe('metrics', () => {
  const wants = { ...WANTS, metrics: true };

  test('metrics that are wanted later are rendered without another sample', async (context) => {
    const { cycle } = setUp(context);
    const first = await cycle({ due: allNames });
    assert.equal(first.metrics.size, 0);
    const second = await cycle({ wants });
    assert.deepEqual(second.samples, []);
    assert.ok(second.metrics.has('load') && second.metrics.has('stations'));
    const clients = second.documents.find(({ document }) => document === 'clients') as Composed;
    assert.ok(clients.metrics, 'and those of documents');
    assert.deepEqual(clients.form.changed, []);
  });

  test('metrics are rendered once for each sample', async (context) => {
    const { cycle } = setUp(context);
    await cycle({ due: allNames, wants });
    const idle = await cycle({ wants });
    assert.deepEqual([idle.metrics.size, idle.documents], [0, []]);
    assert.deepEqual([...(await cycle({ due: ['load'], wants })).metrics.keys()], ['load']);
  });

  test('metrics that cannot be rendered fail their collector', async (context) => {
    const { cycle } = setUp(context);
    context.mock.method(collectorByName('load') as AnyCollector, 'read', () => ({
      value: {},
      metrics: () => {
        throw new TypeError('injected');
      },
    }));
    const { samples } = await cycle({ due: ['load'], wants });
    assert.equal(samples.at(-1)?.outcome.kind, 'failed');
  });
});

describe('programs that take long', () => {
  test('their results come with a later cycle, which the worker requests', async (context) => {
    const { cycle, impatient, keepPrograms, late, programs } = setUp(context);
    await cycle({ due: allNames });
    keepPrograms();
    const first = await impatient(cycle({ due: ['stations', 'load'] }));
    assert.deepEqual(sampledIn(first), ['load']);
    assert.deepEqual(sampledIn(await impatient(cycle({ due: ['stations'] }))), [], 'it is not started twice');
    assert.deepEqual(late, []);
    for (const { end } of programs.values()) await end();
    for (const { end } of programs.values()) await end();
    assert.deepEqual(late, ['late']);
    assert.deepEqual(sampledIn(await cycle({})), ['stations']);
  });

  test('values that are sampled together change a document together', async (context) => {
    const { cycle, impatient, keepPrograms, programs, write } = setUp(context);
    await cycle({ due: allNames });
    keepPrograms();
    write('var/lib/misc/dnsmasq.leases', '1795500557 02:00:00:00:07:00 10.3.141.77 new-client *\n');
    write('proc/loadavg', '7.77 0.20 0.30 1/163 4711\n');
    const first = await impatient(cycle({ due: ['leases', 'stations', 'load'] }));
    assert.deepEqual([sampledIn(first), documentsIn(first)], [['leases', 'load'], ['system']]);
    assert.deepEqual(first.postponed, ['clients'], 'it waits for the stations');
    for (const { end } of programs.values()) await end();
    for (const { end } of programs.values()) await end();
    const second = await cycle({});
    assert.deepEqual([documentsIn(second).includes('clients'), second.postponed], [true, []]);
  });

  test('a document waits for a program that hangs for half a second', async (context) => {
    const { clock, cycle, impatient, keepPrograms, write } = setUp(context);
    await cycle({ due: allNames });
    keepPrograms();
    write('var/lib/misc/dnsmasq.leases', '1795500557 02:00:00:00:07:00 10.3.141.77 new-client *\n');
    await impatient(cycle({ due: ['leases', 'stations'] }));
    clock.ms += 499;
    assert.deepEqual(documentsIn(await impatient(cycle({}))), []);
    clock.ms += 1;
    assert.ok(documentsIn(await impatient(cycle({}))).includes('clients'));
  });

  test('a result in time requests no cycle', async (context) => {
    const { cycle, keepPrograms, late, programs } = setUp(context);
    await cycle({ due: allNames });
    keepPrograms();
    const running = cycle({ due: ['power'] });
    await settled();
    for (const { end } of programs.values()) await end();
    assert.deepEqual(sampledIn(await running), ['power']);
    assert.deepEqual(late, []);
  });

  test('a sample counts from its start', async (context) => {
    const { cycle, clock, impatient, keepPrograms, programs } = setUp(context);
    await cycle({ due: allNames });
    keepPrograms();
    await impatient(cycle({ due: ['power'] }));
    const startedMs = clock.ms;
    clock.ms += 700;
    for (const { end } of programs.values()) await end();
    const [sample] = (await cycle({})).samples;
    assert.deepEqual([sample?.startedMonotonicMs, sample?.tookMs], [startedMs, 700]);
  });

  test('the collector whose program has ended is the step', async (context) => {
    const { cycle, impatient, keepPrograms, programs, steps } = setUp(context);
    await cycle({ due: allNames });
    keepPrograms();
    await impatient(cycle({ due: ['power'] }));
    steps.length = 0;
    for (const { end } of programs.values()) await end();
    assert.deepEqual(steps.map(subjectOf).slice(0, 1), [{ collector: 'power' }]);
  });
});

describe('a new worker', () => {
  test('a collector that is left out keeps its documents whole', async (context) => {
    const { cycle, newWorker } = setUp(context);
    const before = await cycle({ due: allNames });
    const temperature = bodyIn(before, 'system')?.systemTemperature;
    assert.equal(typeof temperature, 'number');
    const report = await newWorker()({ due: allNames.filter((name) => name !== 'thermal'), restored: restoredFrom(before) });
    assert.equal(bodyIn(report, 'system')?.systemTemperature, temperature);
  });

  test('a large value has no copy, and its documents wait for a sample', async (context) => {
    const { cycle, entries, apply, newWorker } = setUp(context);
    const dump = [...entries.keys()].find((path) => path.startsWith('cmd/iw dev') && path.endsWith('station dump')) as string;
    const stations = Array.from(
      { length: 300 },
      (_, n) =>
        `Station 02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')} (on wlan0)\n\tauthorized:\tyes\n`,
    );
    entries.set(dump, Buffer.from(stations.join('')));
    apply();
    const before = await cycle({ due: allNames });
    const restored = restoredFrom(before);
    assert.ok(!restored.copies.has('stations'));
    const next = newWorker();
    const without = documentsIn(await next({ due: allNames.filter((name) => name !== 'stations'), restored }));
    const waiting = documents.flatMap(({ name, parts }) => ((parts as readonly string[]).includes('stations') ? [name] : []));
    assert.deepEqual(
      waiting.filter((name) => without.includes(name)),
      [],
    );
    const sampled = documentsIn(await next({ due: ['stations'] }));
    assert.deepEqual(
      waiting.filter((name) => !sampled.includes(name)),
      [],
    );
  });

  test('clients that left and joined meanwhile are reported', async (context) => {
    const { cycle, entries, apply, newWorker } = setUp(context);
    const wants = { ...WANTS, changes: true };
    const before = await cycle({ due: allNames, wants });
    const events = (report: CycleReport) =>
      report.documents.flatMap((one) => (one.kind === 'composed' ? one.changes.map(({ event }) => event) : []));
    assert.deepEqual(events(before), []);
    const same = await newWorker()({ due: allNames, wants, restored: restoredFrom(before) });
    assert.deepEqual(events(same), [], 'nothing has happened');
    const dump = [...entries.keys()].find((path) => path.startsWith('cmd/iw dev') && path.endsWith('station dump')) as string;
    entries.set(dump, Buffer.from('Station 02:00:00:00:77:77 (on wlan0)\n\tauthorized:\tyes\n'));
    apply();
    const after = await newWorker()({ due: allNames, wants, restored: restoredFrom(before) });
    assert.ok(events(after).includes('client-joined') && events(after).includes('client-left'), events(after).join());
  });

  test('rates are null once, and right afterwards', async (context) => {
    const { clock, cycle, newWorker, entries, apply } = setUp(context);
    const counter = [...entries.keys()].find((path) => path.endsWith('eth0/statistics/rx_bytes')) as string;
    const rateAt = async (worker: typeof cycle, bytes: number, restored?: Restored) => {
      entries.set(counter, `${bytes}\n`);
      apply();
      clock.ms += 2_000;
      const report = await worker({ due: allNames, restored });
      const { throughput } = bodyIn(report, 'networking') as { throughput: Record<'eth0', { RX_bytes_per_second: number | null }> };
      return { report, rate: throughput.eth0.RX_bytes_per_second };
    };
    const first = await rateAt(cycle, 1_000_000);
    const second = await rateAt(cycle, 1_020_000);
    assert.deepEqual([first.rate, second.rate], [null, 10_000]);
    const next = newWorker();
    assert.equal((await rateAt(next, 9_000_000, restoredFrom(first.report, second.report))).rate, null);
    assert.equal((await rateAt(next, 9_002_000)).rate, 1_000);
  });

  test('secrets that are wanted are restored too', async (context) => {
    const { cycle, newWorker } = setUp(context);
    const wants = { ...WANTS, secrets: true };
    const before = await cycle({ due: allNames, wants });
    const secretIn = (report: CycleReport) => (report.documents.find(({ document }) => document === 'ap') as Composed).secretForm?.changed;
    const report = await newWorker()({ due: allNames.filter((name) => name !== 'hostapdconf'), wants, restored: restoredFrom(before) });
    assert.deepEqual(secretIn(report), secretIn(before));
  });
});

describe('lists', () => {
  test('a list that another worker has read is unchanged until its files change', async (context) => {
    const { apply, cycle, newWorker } = setUp(context);
    assert.equal((await cycle({ due: ['domains'] })).lists.length, 1);
    const next = newWorker();
    const report = await next({ due: ['domains'] });
    assert.deepEqual([report.unchanged, report.lists, report.longLists], [['domains'], [], []]);
    apply();
    assert.equal((await next({ due: ['domains'] })).lists.length, 1);
  });

  test('a long list is left to the second worker', async (context) => {
    const { cycle, write } = setUp(context);
    write('etc/raspap/adblock/domains.txt', 'local=/ads.example/\n'.repeat(20_000));
    const report = await cycle({ due: ['domains', 'load'] });
    assert.deepEqual([report.longLists, report.lists, sampledIn(report)], [['domains'], [], ['load']]);
  });

  test('a list that is removed is absent, and read again when it is back', async (context) => {
    const { apply, cycle, entries } = setUp(context);
    const file = 'etc/raspap/adblock/domains.txt';
    const outcome = async () => (await cycle({ due: ['domains'] })).lists[0]?.sample.outcome;
    const absentOf = (one: Awaited<ReturnType<typeof outcome>>) => (one?.kind === 'sampled' ? one.absent : one);
    entries.set(file, 'local=/ads.example/\n');
    apply();
    assert.equal(absentOf(await outcome()), null);
    entries.delete(file);
    apply();
    assert.match(String(absentOf(await outcome())), /domains\.txt: does not exist$/);
    assert.equal(await outcome(), undefined, 'unchanged');
    entries.set(file, 'local=/ads.example/\n');
    apply();
    assert.equal(absentOf(await outcome()), null);
  });
});

describe('lines of ip monitor', () => {
  /** Replaces a collector that follows `ip monitor`. @returns what it was given by each read */
  function follow(context: TestContext, read: (given: IpMonitorLines | undefined) => unknown = () => ({ value: { neighbours: [] } })) {
    const given: (IpMonitorLines | undefined)[] = [];
    context.mock.method(collectorByName('neighbours') as AnyCollector, 'read', ((_machine, { ipMonitor }) => {
      given.push(ipMonitor);
      return read(ipMonitor);
    }) as AnyCollector['read']);
    return given;
  }

  const lines = (...texts: string[]): IpMonitorLines => ({ sinceMs: 500, lines: texts });
  const neighbours: readonly CollectorName[] = ['neighbours'];

  test('lines wait until the collector is due, and are given once', async (context) => {
    const { cycle } = setUp(context);
    const given = follow(context);
    await cycle({ ipMonitor: lines('1') });
    await cycle({ ipMonitor: lines('2'), due: neighbours });
    await cycle({ ipMonitor: lines(), due: neighbours });
    assert.deepEqual(given, [lines('1', '2'), lines()]);
  });

  test('lines that arrive while a sample is running are for the next one', async (context) => {
    const { cycle, impatient } = setUp(context);
    let end = (_sample: unknown) => {};
    const given = follow(
      context,
      () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    );
    await impatient(cycle({ ipMonitor: lines('1'), due: neighbours }));
    await impatient(cycle({ ipMonitor: lines('2') }));
    end({ value: { neighbours: [] } });
    await settled();
    void cycle({ ipMonitor: lines('3'), due: neighbours });
    await settled();
    assert.deepEqual(given, [lines('1'), lines('2', '3')]);
  });

  test('a sample that fails leaves a gap', async (context) => {
    const { clock, cycle } = setUp(context);
    const given = follow(context, () => {
      if (given.length === 1) throw new TypeError('injected');
      return { value: { neighbours: [] } };
    });
    const gapMs = clock.ms;
    for (const text of ['1', '2', '3']) {
      await cycle({ ipMonitor: lines(text), due: neighbours });
      clock.ms += 1_000;
    }
    assert.deepEqual(given, [lines('1'), { sinceMs: gapMs, lines: ['2'] }, { sinceMs: gapMs, lines: ['3'] }]);
  });

  test('too many lines are dropped, and count as a gap', async (context) => {
    const { clock, cycle } = setUp(context);
    const given = follow(context);
    await cycle({ ipMonitor: lines(...Array.from({ length: 15_000 }, (_, n) => String(n))) });
    await cycle({ ipMonitor: lines(...Array.from({ length: 15_000 }, (_, n) => String(n))) });
    const gapMs = clock.ms;
    clock.ms += 1_000;
    await cycle({ ipMonitor: lines('1'), due: neighbours });
    assert.deepEqual(given, [{ sinceMs: gapMs, lines: ['1'] }]);
  });

  test('a collector that follows it gets no lines while it is not running', async (context) => {
    const { cycle } = setUp(context);
    const given = follow(context);
    await cycle({ due: neighbours });
    assert.deepEqual(given, [undefined]);
  });
});

// A source that breaks, hangs or lies leaves every other document fresh: the built service on a root with real files and
// programs that are scripts, into which faults are put one after the other.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectors } from '../../src/collectors/index.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
import { createAccessPoint, IP, IW, LEASES, type Root } from '../support/root.js';
import { startServer, type TestServer } from '../support/server.js';

const EACH_SECOND = collectors.flatMap(({ name }) => [`--schedule.${name}`, '* * * * * *']);

interface DocumentState {
  readonly state: string;
  readonly sampledAt: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly advice: string | null } | null;
  readonly data: Record<string, unknown> | null;
}

type Documents = Readonly<Record<'system' | 'clients', DocumentState>>;

/** A server on a root of its own, to break things for. */
interface Patient {
  readonly server: TestServer;
  readonly root: Root;
  ask(path: string, method?: string): Promise<Answer>;
  documents(): Promise<Documents>;
  /** Samples everything now. */
  refresh(): Promise<Documents>;
  /** Runs `apsnap doctor` on the same root. */
  doctor(): Promise<{ status: number | null; rows: ReadonlyMap<string, string> }>;
}

/** Starts the service on a root that `prepare` may have changed before. */
async function withPatient(prepare: (root: Root) => void, use: (patient: Patient) => Promise<void>): Promise<void> {
  const root = createAccessPoint();
  prepare(root);
  const options = { args: ['--path.rootfs', root.folder, ...EACH_SECOND], env: { PATH: root.path } };
  const server = await startServer(options).catch((error: unknown) => {
    root.remove();
    throw error;
  });
  const asked = (path: string, method = 'GET') => ask(server.url, path, { method, headers: { access_token: server.key } });
  const documents = async () => (await asked('/snapshot')).json<{ documents: Documents }>().documents;
  try {
    await use({
      server,
      root,
      ask: asked,
      documents,
      async refresh() {
        assert.equal((await asked('/snapshot/refresh', 'POST')).status, 200);
        return documents();
      },
      async doctor() {
        const args = ['doctor', '--path.rootfs', root.folder, '--dotenv', server.dotenv, '--host', '127.0.0.1'];
        const { status, stdout, stderr } = await apsnap(args, { env: { PATH: root.path } });
        assert.equal(stderr, '');
        return { status, rows: new Map(stdout.split(/\n(?=\S)/).map((row) => [row.slice(0, row.indexOf(' ')), row])) };
      },
    });
    assert.equal(await server.stop(), 0, 'it stops as it should');
    assert.doesNotMatch(server.output(), /ERROR|\bat .*\.js:\d+/);
  } finally {
    await server.stop();
    root.remove();
  }
}

/** What a process holds. */
function holdings({ process: { pid } }: TestServer) {
  const isChild = (name: string) => {
    try {
      // The command's name may hold blanks; the parent is the second field after it.
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(pid);
    } catch {
      return false; // it has ended
    }
  };
  return {
    threads: readdirSync(`/proc/${pid}/task`).length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: readdirSync('/proc').filter(isChild).length,
    residentBytes: 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
  };
}

/** Waits until a server holds no more than it did. */
async function assertNotGrown(server: TestServer, before: ReturnType<typeof holdings>): Promise<void> {
  await eventually(() => {
    const now = holdings(server);
    for (const name of ['threads', 'descriptors', 'children'] as const)
      assert.ok(now[name] <= before[name], `${name}: ${before[name]}, now ${now[name]}`);
  });
}

async function assertReady({ server }: Patient, failing: readonly string[]): Promise<void> {
  assert.equal((await ask(server.url, '/healthz')).status, 200);
  const answer = await ask(server.url, '/readyz');
  assert.equal(answer.status, failing.length === 0 ? 200 : 503, answer.text);
  if (failing.length > 0) assert.deepEqual(answer.json().collectors, failing);
}

async function assertHeaders(patient: Patient, path: string, state: string): Promise<string> {
  const { headers, status } = await patient.ask(path);
  assert.deepEqual([status, headers['sample-state']], [200, state], path);
  return String(headers['sampled-at']);
}

async function allFresh(patient: Patient): Promise<void> {
  const { system, clients } = await patient.refresh();
  assert.deepEqual([system.state, system.error, clients.state, clients.error], ['fresh', null, 'fresh', null]);
  await assertReady(patient, []);
}

/** A file that a collector reads. */
interface Source {
  readonly path: string;
  readonly collector: string;
  readonly document: keyof Documents;
  /** What comes of it, which must stay as it was. */
  value(data: Record<string, unknown>): unknown;
  /** Contents besides the usual ones that are none. */
  readonly malformed?: readonly string[];
  /** Faults that cannot be told from a good file. */
  readonly harmless?: readonly string[];
}

const sources: readonly Source[] = [
  { path: '/proc/uptime', collector: 'clock', document: 'system', value: (data) => data.uptime, malformed: ['12', 'x y\n', '-1 -1\n'] },
  {
    path: '/proc/loadavg',
    collector: 'load',
    document: 'system',
    value: (data) => data.load,
    malformed: ['0.14 0.18', 'nan nan nan 1/1 1\n'],
  },
  { path: '/proc/stat', collector: 'cpu', document: 'system', value: (data) => data.cpu, malformed: ['cpu  1 2 3', 'intr 1 2\n'] },
  {
    path: '/proc/meminfo',
    collector: 'memory',
    document: 'system',
    value: (data) => data.memory,
    malformed: ['MemTotal:', 'MemTotal:  1 kB\n'],
  },
  {
    path: '/proc/sys/kernel/hostname',
    collector: 'host',
    document: 'system',
    value: (data) => data.hostname,
    harmless: ['truncated'],
  },
  {
    path: '/sys/class/thermal/thermal_zone0/temp',
    collector: 'thermal',
    document: 'system',
    value: (data) => data.temperature,
    malformed: ['-', '4x\n', '1e3\n'],
    harmless: ['truncated'],
  },
  {
    path: '/proc/net/route',
    collector: 'interfaces',
    document: 'clients',
    value: (data) => data.active_clients,
    malformed: ['Iface\neth0 0\n'],
    harmless: ['empty', 'truncated'],
  },
  {
    path: '/var/lib/misc/dnsmasq.leases',
    collector: 'leases',
    document: 'clients',
    value: (data) => data.inactive_clients,
    malformed: ['1 2 3\n4 5\n'],
    harmless: ['empty', 'truncated'],
  },
];

/** What can be in a file's place, and what is said of it. */
const faults: Readonly<Record<string, { put(root: Root, path: string, good: Buffer): void; reason: RegExp }>> = {
  folder: {
    put(root, path) {
      root.erase(path);
      mkdirSync(root.locate(path));
    },
    reason: /is not a regular file/,
  },
  fifo: {
    put(root, path) {
      root.erase(path);
      execFileSync('mkfifo', [root.locate(path)]);
    },
    reason: /is not a regular file/,
  },
  empty: { put: (root, path) => root.write(path, ''), reason: /""/ },
  truncated: { put: (root, path, good) => root.write(path, good.subarray(0, 3)), reason: /./ },
  binary: { put: (root, path) => root.write(path, randomBytes(5_000)), reason: /./ },
  endless: { put: (root, path) => root.write(path, Buffer.alloc(20 << 20, '7')), reason: /has more than \d+ bytes/ },
};

describe('isolation', { concurrency: true }, () => {
  test('isolation/files', () =>
    withPatient(
      () => {},
      async (patient) => {
        const { root, server } = patient;
        await eventually(() => allFresh(patient));
        const before = holdings(server);
        for (const { path, collector, document, value, malformed = [], harmless = [] } of sources) {
          const good = root.read(path);
          const others = document === 'system' ? 'clients' : 'system';
          const tries = [
            ...Object.entries(faults).map(([name, fault]) => ({ name, ...fault })),
            ...malformed.map((content) => ({ name: content, put: () => root.write(path, content), reason: /./ })),
          ];
          for (const { name, put, reason } of tries) {
            const what = `${name} in place of ${path}`;
            const kept = value((await patient.documents())[document].data ?? {});
            put(root, path, good);
            const expected = harmless.includes(name) ? 'fresh' : 'stale';
            const documents = await eventually(async () => {
              const refreshed = await patient.refresh();
              // Shares of the processors are of half a second at least.
              assert.equal(refreshed[document].state, expected, `${what}: ${JSON.stringify(refreshed[document].error)}`);
              return refreshed;
            }, 3_000);
            const { error, data } = documents[document];
            assert.deepEqual([documents[others].state, documents[others].error], ['fresh', null], what);
            if (expected === 'stale') {
              assert.ok(error?.message.startsWith(`${collector}: `), `${what}: ${error?.message}`);
              assert.match(error?.message ?? '', reason, what);
              // A reason is for people and for logs: on one line, and not the file.
              assert.match(error?.message ?? '', /^[^\p{Cc}]{1,400}$/u, what);
              assert.deepEqual(value(data ?? {}), kept, what);
              const required = collectors.find((one) => one.name === collector)?.required;
              await assertReady(patient, required ? [collector] : []);
              const sampledAt = await assertHeaders(patient, `/${document}`, 'stale');
              await assertHeaders(patient, `/${others}`, 'fresh');
              assert.equal(sampledAt, documents[document].sampledAt, what);
            }
            root.write(path, good);
            await eventually(() => allFresh(patient));
          }
        }
        await assertNotGrown(server, before);
      },
    ));

  test('isolation/by-schedule', () =>
    withPatient(
      () => {},
      async (patient) => {
        const { root, server } = patient;
        await eventually(() => allFresh(patient));
        const before = holdings(server);
        const healthy = await patient.doctor();
        assert.equal(healthy.status, 0, [...healthy.rows.values()].join('\n'));
        for (const name of ['thermal', 'leases', 'stations', 'neighbours']) assert.match(healthy.rows.get(name) ?? '', /^\w+ +ok /);

        const temp = '/sys/class/thermal/thermal_zone0/temp';
        const leases = '/var/lib/misc/dnsmasq.leases';
        root.erase(temp);
        execFileSync('mkfifo', [root.locate(temp)]);
        await eventually(async () => {
          const { system, clients } = await patient.documents();
          assert.equal(system.state, 'stale');
          assert.deepEqual([system.error?.code, clients.state], ['not-a-file', 'fresh']);
          assert.equal(system.data?.systemTemperature, 48.31, 'the last good one');
        });
        await assertReady(patient, []);
        // The rest of the document goes on.
        const seen = new Set<unknown>();
        await eventually(async () => {
          seen.add((await patient.ask('/system')).json().systime);
          assert.ok(seen.size >= 3);
        });

        root.write(leases, randomBytes(100_000));
        await eventually(async () => {
          const { clients } = await patient.documents();
          assert.deepEqual([clients.state, clients.error?.code], ['stale', 'malformed']);
          assert.equal(clients.data?.active_clients_amount, 1);
        });
        await assertHeaders(patient, '/clients/wlan0', 'stale');
        await assertReady(patient, ['leases']);
        const ill = await patient.doctor();
        assert.equal(ill.status, 1);
        for (const [name, why] of [
          ['thermal', /temp: is not a regular file/],
          ['leases', /line 1 is not a lease/],
        ] as const) {
          const row = ill.rows.get(name) ?? '';
          assert.match(row, /^\w+ +failing /);
          assert.match(row, why);
          // The same as clients are told.
          const { system, clients } = await patient.documents();
          const advice = [system, clients].find(({ error }) => error?.message.startsWith(`${name}: `))?.error?.advice;
          assert.ok(advice && row.endsWith(`do:  ${advice}`), row);
        }
        assert.match(ill.rows.get('stations') ?? '', /^\w+ +ok /);

        root.write(temp, '51000\n');
        root.write(leases, LEASES);
        await eventually(async () => {
          const { system, clients } = await patient.documents();
          assert.deepEqual([system.state, system.error, system.data?.systemTemperature], ['fresh', null, 51]);
          assert.deepEqual([clients.state, clients.error], ['fresh', null]);
        });
        await assertReady(patient, []);
        await assertNotGrown(server, before);
      },
    ));

  const SCRIPT = '#!/bin/sh\nPATH=/usr/bin:/bin\n';
  const programs: readonly { name: string; script: string; code: RegExp; reason: RegExp }[] = [
    { name: 'never-ends', script: `${SCRIPT}exec sleep 1000\n`, code: /^timeout$/, reason: /did not end within \d+ ms/ },
    {
      name: 'ignores-sigterm',
      script: `${SCRIPT}trap '' TERM INT HUP\nwhile :; do sleep 0.1; done\n`,
      code: /^timeout$/,
      reason: /did not end within \d+ ms/,
    },
    {
      name: '100-megabytes',
      script: `${SCRIPT}exec head -c 100000000 /dev/zero\n`,
      // On a busy machine its time is over first.
      code: /^(?:too-large|timeout)$/,
      reason: /printed more than \d+ bytes|did not end/,
    },
    { name: 'garbage', script: `${SCRIPT}exec head -c 100000 /dev/urandom\n`, code: /^malformed$/, reason: /./ },
    {
      name: 'fails',
      script: `${SCRIPT}echo 'command failed: Operation not permitted (-1)' >&2\nexit 255\n`,
      code: /^program-failed$/,
      reason: /status 255: "command failed: Operation not permitted \(-1\)"/,
    },
    { name: 'killed', script: `${SCRIPT}kill -SEGV $$\n`, code: /^program-failed$/, reason: /SIGSEGV/ },
    { name: 'no-program', script: 'nothing that can be run', code: /^program-failed$/, reason: /./ },
    { name: 'half', script: `${SCRIPT}printf '[{"dst":"10.'; printf 'Station 02:00:00'\n`, code: /^malformed$/, reason: /./ },
  ];

  for (const [program, collector, good, tried] of [
    ['iw', 'stations', IW, programs],
    ['ip', 'neighbours', IP, programs.filter(({ name }) => ['never-ends', 'garbage', 'fails', 'half'].includes(name))],
  ] as const) {
    test(`isolation/${program}`, () =>
      withPatient(
        () => {},
        async (patient) => {
          const { root, server } = patient;
          await eventually(() => allFresh(patient));
          const before = holdings(server);
          for (const { name, script, code, reason } of tried) {
            const what = `${program} ${name}`;
            root.program(program, script);
            const { clients, system } = await eventually(async () => {
              const documents = await patient.refresh();
              assert.equal(documents.clients.state, 'stale', what);
              return documents;
            });
            assert.match(clients.error?.code ?? '', code, `${what}: ${clients.error?.message}`);
            assert.match(clients.error?.message ?? '', reason, what);
            assert.ok(clients.error?.message.startsWith(`${collector}: ${program}`), `${what}: ${clients.error?.message}`);
            assert.equal(clients.data?.active_clients_amount, 1, what);
            assert.equal((await patient.documents()).clients.sampledAt, clients.sampledAt, what);
            assert.deepEqual([system.state, system.error], ['fresh', null], what);
            await assertReady(patient, [collector]);
            await assertHeaders(patient, '/clients', 'stale');
            await assertHeaders(patient, '/clients/wlan0', 'stale');
            await assertHeaders(patient, '/system', 'fresh');
            if (name === 'never-ends') {
              // For a while, with nobody who asks for samples: nothing piles up, and the time goes on.
              for (let n = 0; n < 20; n++) {
                const { system, clients } = await patient.documents();
                assert.deepEqual([system.state, clients.state], ['fresh', 'stale']);
                const { children, threads } = holdings(server);
                assert.ok(children <= before.children + 1, `${children} children`);
                assert.ok(threads <= before.threads, `${threads} threads`);
                await sleep(100);
              }
              const { status, rows } = await patient.doctor();
              assert.equal(status, 1);
              assert.match(
                rows.get(collector) ?? '',
                new RegExp(`^${collector} +failing .*\\n +why: ${program} .*did not end within .*\\n +do: {2}\\S`),
              );
              assert.match(rows.get('thermal') ?? '', /^thermal +ok /);
            }
            root.program(program, good);
            await eventually(() => allFresh(patient));
          }
          // Not for others to run: as root, for whom there are no permissions, it takes all three bits.
          chmodSync(root.locate(`/bin/${program}`), 0o644);
          const { clients, system } = await patient.refresh();
          assert.deepEqual([clients.state, clients.error?.code, system.state], ['stale', 'permission', 'fresh']);
          root.program(program, good);
          await eventually(() => allFresh(patient));
          await assertNotGrown(server, before);
          assert.ok(holdings(server).residentBytes < before.residentBytes + 150e6, 'memory');
        },
      ));
  }

  test('isolation/system-was-never-good', () =>
    withPatient(
      (root) => {
        root.erase('/proc/loadavg');
        execFileSync('mkfifo', [root.locate('/proc/loadavg')]);
      },
      async (patient) => {
        await eventually(async () => assertHeaders(patient, '/clients', 'fresh'));
        await eventually(async () => assertReady(patient, ['load']));
        for (const path of ['/system', '/system/', '/system?x']) {
          const answer = await patient.ask(path);
          assert.equal(answer.status, 503, path);
          assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/, path);
          assert.equal(answer.headers['content-type'], 'application/problem+json');
          assert.match(String(answer.json().detail), /^load: \S*\/proc\/loadavg: is not a regular file \(check the source: [^)]+\)$/);
          assert.equal((await patient.ask(path, 'HEAD')).status, 503);
        }
        const { system, clients } = await patient.refresh();
        assert.deepEqual([system.state, system.data, system.sampledAt === null || system.sampledAt > '2'], ['absent', null, true]);
        assert.deepEqual([system.error?.code, clients.state], ['not-a-file', 'fresh']);
        patient.root.write('/proc/loadavg', '0.10 0.20 0.30 1/163 4711\n');
        await eventually(async () => assertHeaders(patient, '/system', 'fresh'));
        await assertReady(patient, []);
      },
    ));

  test('isolation/clients-were-never-good', () =>
    withPatient(
      // Every `iw`, so `iw event` too.
      (root) => root.program('iw', `${SCRIPT}exec head -c 100000000 /dev/zero\n`),
      async (patient) => {
        await eventually(async () => assertHeaders(patient, '/system', 'fresh'));
        await eventually(async () => assertReady(patient, ['stations']));
        // What hangs beside it may not have had its turn yet.
        await eventually(async () => assert.match(String((await patient.ask('/clients')).json().detail), /^stations: /));
        const before = holdings(patient.server);
        for (const path of ['/clients', '/clients/wlan0', '/clients/nope', '/clients/']) {
          const answer = await patient.ask(path);
          assert.equal(answer.status, 503, path);
          assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/, path);
          assert.match(String(answer.json().detail), /^stations: iw dev: (?:printed more than|did not end)/);
        }
        for (let n = 0; n < 15; n++) {
          const { system, clients } = await patient.documents();
          assert.deepEqual([system.state, clients.state, clients.data], ['fresh', 'absent', null]);
          await sleep(100);
        }
        const { threads, residentBytes } = holdings(patient.server);
        assert.ok(threads <= before.threads, `${threads} threads`);
        assert.ok(residentBytes < before.residentBytes + 150e6, `${Math.round(residentBytes / 1e6)} MB`);
        patient.root.program('iw', IW);
        await eventually(async () => assertHeaders(patient, '/clients/wlan0', 'fresh'));
        await assertReady(patient, []);
      },
    ));
});

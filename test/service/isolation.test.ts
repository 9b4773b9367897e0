// A source that breaks, hangs or lies leaves every other document fresh: the built service on a root with real files and
// programs that are scripts, into which faults are put one after the other.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectors } from '../../src/collectors/index.js';
import { apsnap } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { type Answer, ask } from '../support/http.js';
import { createAccessPoint, IW, LEASES, type Root } from '../support/root.js';
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

describe('isolation', { concurrency: true }, () => {
  test('a failing source leaves other documents fresh on their schedules', () =>
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

        // Not an empty first line.
        root.write(leases, Buffer.concat([Buffer.from('x'), randomBytes(100_000)]));
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
  ];

  for (const [program, collector, good, tried] of [['iw', 'stations', IW, programs]] as const) {
    test(`a failing ${program} leaves other documents fresh`, () =>
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

  test('/system gets 503 until its required sources have succeeded once', () =>
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

  test('/clients gets 503 until its required sources have succeeded once', () =>
    withPatient(
      // Every `iw`, so `iw event` too.
      (root) => root.program('iw', `${SCRIPT}exec head -c 100000000 /dev/zero\n`),
      async (patient) => {
        await eventually(async () => assertHeaders(patient, '/system', 'fresh'));
        await eventually(async () => assertReady(patient, ['stations']));
        // Another collector that hangs may not have been sampled yet.
        await eventually(async () => assert.match(String((await patient.ask('/clients')).json().detail), /^stations: iw /));
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

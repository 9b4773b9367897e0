// Faults in the running service, while all other documents have to stay fresh: collectors that throw, hang, or lose their thread, a
// clock that is set, a process that is stopped. A module that is loaded before the service injects them. That every collector fails
// alone is tested without a service, in test/unit/engine/faults.test.ts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectors } from '../../src/collectors/index.js';
import { eventually } from '../support/eventually.js';
import type { Fault } from '../support/fault-hooks.js';
import { ask } from '../support/http.js';
import { assertAllFresh, documentsOf, eachSecond, type Patient, withPatient } from '../support/patient.js';

/** What all that is made of a collector says of it. */
async function assertBlamed(patient: Patient, name: string, reason: RegExp): Promise<void> {
  const documents = await patient.documents();
  for (const document of documentsOf(name)) {
    const { state, error, data } = documents[document] as (typeof documents)[string];
    assert.equal(state, 'stale', document);
    assert.ok(error?.message.startsWith(`${name}: `), `${document}: ${error?.message}`);
    assert.match(error?.message ?? '', reason);
    assert.match(error?.message ?? '', /^[^\p{Cc}]{1,400}$/u);
    assert.ok(error?.advice, document);
    assert.ok(data, `${document} keeps what was good`);
  }
}

async function recovered(patient: Patient, name: string): Promise<void> {
  await patient.until(name, 'ok');
  await eventually(() => assertAllFresh(patient));
  patient.suspect();
}

/** Puts a fault into a collector, waits until it is told, takes it away, waits until all is well. */
async function suffer(patient: Patient, name: string, fault: Fault, reason: RegExp): Promise<void> {
  patient.suspect(name);
  await patient.control({ faults: { [name]: fault } });
  await patient.touch(name);
  const documents = documentsOf(name);
  // What hangs is waited for; else it need not wait for its schedule.
  const hurry = () => (documents.length > 0 && fault === 'throw' ? patient.refresh(documents) : undefined);
  await hurry();
  assert.ok((await patient.until(name, 'failing', reason)).advice);
  await assertBlamed(patient, name, reason);
  await patient.control({});
  if (fault === 'block') patient.unblock();
  await hurry();
  await recovered(patient, name);
}

const names = collectors.map(({ name }) => name);
/** One collector of each lane, on which documents depend. */
const firstOfLanes = (['quick', 'program', 'heavy'] as const).flatMap(
  (lane) => collectors.find((one) => one.lane === lane && documentsOf(one.name).length > 0)?.name ?? [],
);
const HANGS = /no result within \d+ ms: the thread was abandoned/;

describe('faults', { concurrency: 4 }, () => {
  test('errors thrown in each lane, or by every collector, affect only those collectors', () =>
    withPatient({ hooks: true, args: eachSecond(firstOfLanes) }, async (patient) => {
      for (const name of firstOfLanes) await suffer(patient, name, 'throw', /: TypeError: injected$/);
      // And by all of them, where nothing was good before.
      patient.suspect(...names);
      await patient.control({ faults: Object.fromEntries(names.map((name) => [name, 'throw'])) });
      const { status, rows } = await patient.doctor();
      assert.equal(status, 1);
      for (const name of names)
        assert.match(rows.get(name) ?? '', new RegExp(`^${name} +failing.*\\n +why: TypeError: injected\\n +do: {2}\\S`));
    }));

  test('collectors that hang and threads that are lost affect only those collectors', () =>
    withPatient({ hooks: true, args: eachSecond(['clock', 'load', 'stations', 'neighbours']) }, async (patient) => {
      const before = threadsOf(patient);
      for (const name of ['clock', 'stations']) await suffer(patient, name, 'block', HANGS);
      for (const name of ['load', 'neighbours', 'domains']) await suffer(patient, name, 'exit', /thread ended: worker exited with code: 7/);
      await suffer(patient, 'load', 'memory', /the sampling thread ended: .*memory limit|no result within/);
      await suffer(patient, 'neighbours', 'loop', HANGS);
      await eventually(() => assert.equal(threadsOf(patient), before));
    }));

  test('the service ends although a thread is stuck in the kernel', () =>
    withPatient({ hooks: true, args: eachSecond(['thermal']), signal: 'SIGTERM' }, async (patient) => {
      const before = threadsOf(patient);
      patient.suspect('thermal');
      await patient.control({ faults: { thermal: 'block' } });
      await patient.until('thermal', 'failing', HANGS);
      // It is not tried again: each try would cost another thread.
      for (let look = 0; look < 15; look++) {
        assert.ok(threadsOf(patient) <= before + 1);
        await sleep(100);
      }
      const { rows, stderr } = await patient.doctor();
      assert.equal(stderr, '');
      assert.match(rows.get('thermal') ?? '', /^thermal +failing.*\n +why: no result within \d+ ms/);
      assert.match(rows.get('load') ?? '', /^load +ok /);
      assert.match(rows.get('history') ?? '', /^history +ok /);
    }));

  test('documents stay fresh while the clock is set forward and back', () =>
    // One is on a schedule that needs a calendar.
    withPatient(
      { hooks: true, args: [...eachSecond(['interfaces', 'traffic']), '--schedule.memory', '* * * 1-31 * *'] },
      async (patient) => {
        const COUNTER = '/sys/class/net/eth0/statistics/rx_bytes';
        let bytes = Number(patient.root.read(COUNTER));
        const traffic = setInterval(() => {
          bytes += 100_000;
          patient.root.write(COUNTER, `${bytes}\n`);
        }, 100);
        const everySecond = ['clock', 'load', 'cpu', 'memory', 'thermal', 'traffic', 'interfaces'];
        try {
          for (const clockMs of [3_600_000, -3_600_000, 0]) {
            await patient.control({ clockMs });
            const nowMs = () => Date.now() + clockMs;
            await eventually(async () => assertNow(Number((await systemTime(patient)).unixSeconds) * 1000, nowMs()));
            for (let round = 0; round < 10; round++) {
              const { throughput } = (await patient.ask('/networking')).json<{
                throughput: Record<'eth0', { RX_bytes_per_second: number | null }>;
              }>();
              const rate = throughput.eth0.RX_bytes_per_second;
              assert.ok(rate === null || (rate >= 0 && rate < 20e6), `${rate} bytes/s`);
              const { busyRatio } = (await patient.ask('/system')).json<{ cpu: { busyRatio: number | null } }>().cpu;
              assert.ok(busyRatio === null || (busyRatio >= 0 && busyRatio <= 1), `${busyRatio}`);
              await sleep(50);
            }
            // Not only those that are sampled again soon: what was sampled before was so a moment ago, by the new clock too.
            for (const [name, { sampledAt }] of Object.entries(await patient.documents()))
              assertNow(Date.parse(sampledAt ?? ''), nowMs(), name);
            const { headers } = await patient.ask('/firewall');
            assert.ok(Date.parse(headers['last-modified'] ?? '') <= nowMs() + 1_000, headers['last-modified']);
            // The schedule goes on.
            const before = await Promise.all(everySecond.map((name) => patient.collector(name)));
            await eventually(async () => {
              for (const { name, last_success } of before) {
                const now = await patient.collector(name);
                assert.ok(Date.parse(now.last_success ?? '') > Date.parse(last_success ?? ''), `${name}: ${now.last_success}`);
              }
            }, 10_000);
          }
          const since = new Date(Date.now() - 60_000).toISOString();
          const rows = (await patient.ask(`/history?series=rx_bytes_per_second:eth0&since=${since}`)).json<
            Record<string, number | null>[]
          >();
          const rates = rows.flatMap((row) => row['rx_bytes_per_second:eth0'] ?? []);
          assert.ok(rates.length > 0 && rates.every((rate) => rate >= 0), JSON.stringify(rates));
        } finally {
          clearInterval(traffic);
        }
      },
    ));

  test('documents are fresh again after the process was stopped for a while', () =>
    withPatient({}, async (patient) => {
      const { process: child } = patient.server;
      const before = threadsOf(patient);
      patient.suspect(...names);
      child.kill('SIGSTOP');
      await sleep(8_000); // of what is sampled each second all is overdue
      child.kill('SIGCONT');
      const reasons = new Set<string>();
      await eventually(async () => {
        for (const { error } of Object.values(await patient.documents())) if (error) reasons.add(error.code);
        await assertAllFresh(patient);
      });
      reasons.delete('overdue'); // that it was
      reasons.delete('timeout'); // a program that had to wait for its end
      assert.deepEqual([...reasons], [], 'no thread is blamed for the time');
      assert.equal(threadsOf(patient), before);
      patient.suspect();
      for (let look = 0; look < 10; look++) {
        await assertAllFresh(patient);
        await sleep(100);
      }
    }));

  test('the service goes on when its log cannot be written', async () => {
    const port = await freePort();
    const full = openSync('/dev/full', 'w');
    const main = new URL('../../src/main.js', import.meta.url).pathname;
    const env = { RASPAP_API_KEY: 'a-key-of-32-characters-0123456789' };
    const child = spawn(process.execPath, [main, '--host', '127.0.0.1', '--port', String(port), '--access-log', 'all'], {
      env,
      stdio: ['ignore', full, full],
    });
    try {
      for (let n = 0; n < 3; n++) {
        await eventually(async () => {
          const { status } = await ask(`http://127.0.0.1:${port}`, '/system', { headers: { access_token: env.RASPAP_API_KEY } });
          assert.equal(status, 200);
        });
      }
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    } finally {
      child.kill('SIGKILL');
      closeSync(full);
    }
  });
});

function threadsOf({ server }: Patient): number {
  return readdirSync(`/proc/${server.process.pid}/task`).length;
}

async function systemTime(patient: Patient): Promise<{ unixSeconds: number }> {
  return (await patient.ask('/system')).json<{ time: { unixSeconds: number } }>().time;
}

/** Within half a minute, as much as lies between two samples: an hour is more. */
function assertNow(ms: number, nowMs: number, what = ''): void {
  assert.ok(
    ms <= nowMs + 1_500 && ms > nowMs - 45_000,
    `${what} ${new Date(ms).toISOString()}, and it is ${new Date(nowMs).toISOString()}`,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

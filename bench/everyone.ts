/** A crowd: clients that request every endpoint as fast as they get responses, and listeners to events at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { wholeMachine } from '../test/support/fixture.js';
import { replayBin, unpackFixture } from '../test/support/unpack.js';
import type { Crowd } from './crowd.js';
import { outputOf } from './load.js';
import { type Row, untilFresh } from './measure.js';
import { cpuMs, lookAt } from './proc.js';
import { built, KEY, startApsnap, startNode } from './server.js';

export interface CrowdEffort {
  readonly connections: number;
  readonly listeners: number;
  readonly seconds: number;
  /** Seconds after the load, until V8 and the kernel have released its memory. */
  readonly settleSeconds: number;
}

/** Measures a Raspberry Pi with everything that RaspAP sets up. */
export async function measureCrowd({ connections, listeners, seconds, settleSeconds }: CrowdEffort): Promise<Row[]> {
  const folder = unpackFixture(wholeMachine('raspap-pi4'));
  const server = await startApsnap({ args: ['--path.rootfs', folder], path: replayBin(folder), core: 'server' });
  await untilFresh(server, '/clients');
  const before = { ...lookAt(server.pid), cpu: cpuMs(server.pid) };
  const load = startNode([built('crowd.js'), server.url, ...[connections, listeners, seconds].map(String)], 'load', { KEY });
  const crowd = JSON.parse(await outputOf(load)) as Crowd;
  const busyMs = cpuMs(server.pid) - before.cpu;
  const during = lookAt(server.pid);
  await sleep(settleSeconds * 1000);
  const after = lookAt(server.pid);
  await untilFresh(server, '/system');
  await server.stop();
  const wrong = Object.entries(crowd.errors);
  const mb = (kb: number) => `${(kb / 1024).toFixed(0)} MB`;
  const people = `${connections.toLocaleString('en')} clients requesting every endpoint for ${seconds} s, with ${listeners} listeners`;
  return [
    {
      figure: `Errors with ${people}`,
      target: 'none',
      measured: wrong.length === 0 ? 'none' : wrong.map(([what, often]) => `${often} × ${what}`).join(', '),
      details: `${crowd.requests.toLocaleString('en')} requests, ${crowd.busy.toLocaleString('en')} of them 503 with Retry-After, at least ${crowd.minEvents} events per listener`,
      met: wrong.length === 0,
    },
    {
      figure: 'p99 latency of that crowd',
      target: null,
      measured: `${crowd.p99Ms} ms`,
      details: `p50 ${crowd.p50Ms} ms, maximum ${crowd.maxMs} ms (\`${crowd.slowest}\`), ${Math.round(crowd.requests / seconds).toLocaleString('en')} requests/s, CPU ${Math.round(busyMs / seconds)} ms per second`,
      met: null,
    },
    {
      figure: `Resident memory ${settleSeconds} s after that crowd`,
      target: null,
      measured: mb(after.residentKb),
      details: `before ${mb(before.residentKb)}, at its end ${mb(during.residentKb)}, ${after.descriptors} file descriptors, before ${before.descriptors}`,
      met: null,
    },
  ];
}

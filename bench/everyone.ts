/** A crowd: clients that request every endpoint as fast as they get responses, and listeners to events at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { wholeMachine } from '../test/support/fixture.js';
import { replayBin, unpackFixture } from '../test/support/unpack.js';
import type { Crowd } from './crowd.js';
import { number, quantity } from './format.js';
import { outputOf } from './load.js';
import { untilFresh } from './measure.js';
import { cpuBetween, lookAt, readCpu } from './proc.js';
import type { Row } from './row.js';
import type { Run } from './run.js';
import { built, KEY, startApsnap, startOwn } from './server.js';

/** Measures a Raspberry Pi with everything that RaspAP sets up, once. */
export async function crowd({ subject, effort }: Run): Promise<Row[]> {
  const { connections, listeners, seconds, settleSeconds } = effort.crowd;
  const folder = unpackFixture(wholeMachine('raspap-pi4'));
  const server = await startApsnap(subject, { args: ['--path.rootfs', folder], path: replayBin(folder), core: 'server' });
  await untilFresh(server, '/clients');
  const [before, cpuBefore] = [lookAt(server.pid), readCpu(server.pid)];
  const load = startOwn([built('crowd.js'), server.url, ...[connections, listeners, seconds].map(String)], 'load', { KEY });
  const crowd = JSON.parse(await outputOf(load)) as Crowd;
  const { threads: busyMs } = cpuBetween(cpuBefore, readCpu(server.pid));
  const during = lookAt(server.pid);
  await sleep(settleSeconds * 1000);
  const after = lookAt(server.pid);
  await untilFresh(server, '/system');
  await server.stop();
  const wrong = Object.entries(crowd.errors);
  const mb = (kb: number) => quantity(kb / 1024, 'MB');
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
      details: `p50 ${crowd.p50Ms} ms, maximum ${crowd.maxMs} ms (\`${crowd.slowest}\`), ${number(crowd.requests / seconds)} requests/s, CPU ${quantity(busyMs / seconds, 'ms per second')}`,
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

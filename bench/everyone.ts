/** A thousand clients that ask for everything, as fast as they are answered, beside a hundred that listen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { wholeMachine } from '../test/support/fixture.js';
import { replayBin, unpackFixture } from '../test/support/unpack.js';
import type { Crowd } from './crowd.js';
import { outputOf } from './load.js';
import { type Row, untilFresh } from './measure.js';
import { cpuMs, lookAt } from './proc.js';
import { built, KEY, startNode, startOurs } from './server.js';

export interface CrowdEffort {
  readonly connections: number;
  readonly listeners: number;
  readonly seconds: number;
  /** After the load, until what it took is given back. */
  readonly settleSeconds: number;
}

/** On the machine that is a Raspberry Pi with all that RaspAP sets up. */
export async function measureCrowd({ connections, listeners, seconds, settleSeconds }: CrowdEffort): Promise<Row[]> {
  const folder = unpackFixture(wholeMachine('raspap-pi4'));
  const server = await startOurs({ args: ['--path.rootfs', folder], path: replayBin(folder), core: 'server' });
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
  const people = `${connections.toLocaleString('en')} connections that ask every endpoint for ${seconds} s, as fast as they are answered, beside ${listeners} listeners`;
  return [
    {
      figure: `${people}: errors`,
      target: 'none',
      measured: `${wrong.length === 0 ? 'none' : wrong.map(([what, often]) => `${often} × ${what}`).join(', ')} of ${crowd.requests.toLocaleString('en')} requests; ${crowd.busy.toLocaleString('en')} were told to come back later; each listener got ${crowd.leastEvents} events at least`,
      reached: wrong.length === 0,
    },
    {
      figure: 'the same, p99 latency',
      target: null,
      measured: `${crowd.p99Ms} ms (p50 ${crowd.p50Ms} ms, longest ${crowd.maxMs} ms, \`${crowd.slowest}\`; ${Math.round(crowd.requests / seconds).toLocaleString('en')} requests/s; CPU ${Math.round(busyMs / seconds)} ms per second)`,
      reached: null,
    },
    {
      figure: `the same, resident memory ${settleSeconds} s after it`,
      target: null,
      measured: `${mb(after.residentKb)} (before ${mb(before.residentKb)}, at its end ${mb(during.residentKb)}); ${after.descriptors} file descriptors, before ${before.descriptors}`,
      reached: null,
    },
  ];
}

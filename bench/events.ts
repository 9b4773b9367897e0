/** What telling a thousand listeners of each change costs. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, type Row, spread, untilFresh } from './measure.js';
import { mainThreadCpuMs } from './proc.js';
import { built, KEY, startNode, startOurs } from './server.js';

export interface EventsEffort {
  readonly listeners: number;
  readonly rounds: number;
  readonly seconds: number;
}

/** CPU time of the answering thread for each event and listener, above what it needs when nobody listens. */
export async function measureEvents({ listeners, rounds, seconds }: EventsEffort): Promise<Row[]> {
  const server = await startOurs({ args: ['--events.listeners', String(listeners)], core: 'server' });
  await untilFresh(server, '/system');
  const busyMs = async () => {
    const before = mainThreadCpuMs(server.pid);
    await sleep(seconds * 1000);
    return (mainThreadCpuMs(server.pid) - before) / seconds;
  };
  const alone = await busyMs();
  const child = startNode([built('listen.js'), `${server.url}/events?documents=system`, String(listeners)], 'load', { KEY });
  if (!child.stdout || !child.stdin) throw new Error('the listeners have no standard streams');
  const lines = createInterface({ input: child.stdout });
  const line = async () => String((await once(lines, 'line'))[0]);
  if ((await line()) !== 'listening') throw new Error('the listeners do not listen');
  const ask = async () => {
    child.stdin?.write('\n');
    return Number(await line());
  };
  await ask();
  const micros: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const busy = await busyMs();
    micros.push(((busy - alone) * seconds * 1000) / (await ask()));
  }
  child.kill('SIGKILL');
  await server.stop();
  return [
    {
      figure: `CPU for each event and listener, \`/events\` with ${listeners.toLocaleString('en')} listeners`,
      target: 'at most 10 µs',
      measured: `${median(micros).toFixed(1)} µs (${spread(micros, 1)})`,
      reached: median(micros) <= 10,
    },
  ];
}

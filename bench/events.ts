/** What telling a thousand listeners of each change costs. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './ask.js';
import { median, type Row, spread, untilFresh } from './measure.js';
import { mainThreadCpuMs } from './proc.js';
import { built, KEY, type Server, startNode, startOurs, startTelling } from './server.js';

export interface EventsEffort {
  readonly listeners: number;
  readonly rounds: number;
  readonly seconds: number;
}

export async function measureEvents(effort: EventsEffort): Promise<Row[]> {
  const args = ['--events.listeners', String(effort.listeners)];
  const ours = await startOurs({ args, core: 'server' });
  await untilFresh(ours, '/system');
  const micros = await microsecondsPerEvent(ours, '/events', effort);
  const { body } = await ask(`${ours.url}/system`, KEY);
  await ours.stop();
  const bare = await startTelling(body.length, 'server');
  const bareMicros = await microsecondsPerEvent(bare, '/', effort);
  await bare.stop();
  return [
    {
      figure: `CPU for each event and listener, \`/events\` with ${effort.listeners.toLocaleString('en')} listeners`,
      target: 'at most 10 µs',
      measured: `${median(micros).toFixed(1)} µs (${spread(micros, 1)}; a bare \`node:net\` server that writes as many bytes to each: ${median(bareMicros).toFixed(1)} µs, ${spread(bareMicros, 1)})`,
      reached: median(micros) <= 10,
    },
  ];
}

/** CPU time of the writing thread for each event and listener, above what it needs when nobody listens, of each round. */
async function microsecondsPerEvent(server: Server, path: string, { listeners, rounds, seconds }: EventsEffort): Promise<number[]> {
  const busyMs = async () => {
    const before = mainThreadCpuMs(server.pid);
    await sleep(seconds * 1000);
    return (mainThreadCpuMs(server.pid) - before) / seconds;
  };
  const alone = await busyMs();
  const child = startNode([built('listen.js'), new URL(path, server.url).href, String(listeners)], 'load', { KEY });
  if (!child.stdout || !child.stdin) throw new Error('the listeners have no standard streams');
  const lines = createInterface({ input: child.stdout });
  const line = async () => String((await once(lines, 'line'))[0]);
  if ((await line()) !== 'listening') throw new Error('the listeners do not listen');
  const heard = async () => {
    child.stdin?.write('\n');
    return Number(await line());
  };
  await heard();
  const micros: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const busy = await busyMs();
    micros.push(((busy - alone) * seconds * 1000) / (await heard()));
  }
  child.kill('SIGKILL');
  return micros;
}

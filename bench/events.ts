/** CPU time of sending each change to a thousand listeners, compared with a bare server. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './ask.js';
import { median, type Row, spread, untilFresh } from './measure.js';
import { mainThreadCpuMs } from './proc.js';
import { built, KEY, type Server, startApsnap, startBareEvents, startNode } from './server.js';

export interface EventsEffort {
  readonly listeners: number;
  readonly rounds: number;
  readonly seconds: number;
}

export async function measureEvents(effort: EventsEffort): Promise<Row[]> {
  const args = ['--events.listeners', String(effort.listeners)];
  const ours = await startApsnap({ args, core: 'server' });
  await untilFresh(ours, '/system');
  const micros = await microsecondsPerEvent(ours, '/events', effort);
  const { body } = await ask(`${ours.url}/system`, KEY);
  await ours.stop();
  const bare = await startBareEvents(body.length, 'server');
  const bareMicros = await microsecondsPerEvent(bare, '/', effort);
  await bare.stop();
  const ratio = median(micros) / median(bareMicros);
  return [
    {
      figure: `CPU per event and listener, \`/events\` with ${effort.listeners.toLocaleString('en')} listeners ÷ bare \`response.write\``,
      target: 'at most 1.5',
      measured: ratio.toFixed(2),
      details: `${median(micros).toFixed(1)} µs (${spread(micros, 1)}), bare server ${median(bareMicros).toFixed(1)} µs (${spread(bareMicros, 1)})`,
      met: ratio <= 1.5,
    },
  ];
}

/** Returns the CPU time of the main thread per event and listener of each round, less its CPU time without listeners. */
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

/** CPU time of sending each change to a thousand listeners, compared with a bare server. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ask } from './ask.js';
import { quantity } from './format.js';
import { cpuOfBoth, stopAll, untilFresh } from './measure.js';
import { repeat } from './rounds.js';
import { type Row, valueRow } from './row.js';
import type { Run } from './run.js';
import { built, KEY, type Server, startApsnap, startBareEvents, startOwn } from './server.js';
import { median } from './statistics.js';

/** Measures both servers during the same seconds, without the CPU time that they take without listeners. */
export async function events({ subject, effort }: Run): Promise<Row[]> {
  const { listeners, seconds } = effort.events;
  const ours = await startApsnap(subject, { args: ['--events.listeners', String(listeners)], core: 'server' });
  await untilFresh(ours, '/system');
  const { body } = await ask(`${ours.url}/system`, KEY);
  const bare = await startBareEvents(subject, body.length, 'server');
  const [oursAlone, bareAlone] = await cpuOfBoth([ours, bare], seconds);
  const audiences = await Promise.all([listen(ours, '/events', listeners), listen(bare, '/', listeners)]);
  const round = async () => {
    for (const audience of audiences) await audience.heard();
    const [ofOurs, ofBare] = await cpuOfBoth([ours, bare], seconds);
    const [oursHeard = Number.NaN, bareHeard = Number.NaN] = await Promise.all(audiences.map((audience) => audience.heard()));
    return {
      ours: ((ofOurs.mainThread - oursAlone.mainThread) * 1000) / oursHeard,
      bare: ((ofBare.mainThread - bareAlone.mainThread) * 1000) / bareHeard,
    };
  };
  const measured = await repeat(effort.events, round, ({ ours, bare }) => ours / bare);
  for (const audience of audiences) audience.stop();
  await stopAll(ours, bare);
  return [
    valueRow({
      figure: `CPU per event and listener, \`/events\` with ${listeners.toLocaleString('en')} listeners ÷ bare \`response.write\``,
      atMost: 1.5,
      values: measured.map(({ ours, bare }) => ours / bare),
      details: [
        quantity(median(measured.map(({ ours }) => ours)), 'µs'),
        `bare server ${quantity(median(measured.map(({ bare }) => bare)), 'µs')}`,
      ],
    }),
  ];
}

interface Audience {
  /** Returns how many events its listeners received since the previous call. */
  heard(): Promise<number>;
  stop(): void;
}

async function listen(server: Server, path: string, listeners: number): Promise<Audience> {
  const child = startOwn([built('listen.js'), new URL(path, server.url).href, String(listeners)], 'load', { KEY });
  if (!child.stdout || !child.stdin) throw new Error('listen.js has no standard streams');
  const lines = createInterface({ input: child.stdout });
  const line = async () => String((await once(lines, 'line'))[0]);
  if ((await line()) !== 'listening') throw new Error('listen.js does not listen');
  return {
    async heard() {
      child.stdin?.write('\n');
      return Number(await line());
    },
    stop: () => child.kill('SIGKILL'),
  };
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Limits } from '../../src/config/config.js';

export interface ForkedApp {
  readonly url: string;
  readonly key: string;
  /** Returns the ports of the clients whose connections are open on the service's side, and the log so far. */
  inspect(): Promise<{ readonly peers: readonly number[]; readonly log: string }>;
  close(): void;
}

/**
 * Starts the application in a process of its own, without workers.
 *
 * @param largeBytes size of the document dns/domains
 */
export async function forkApp(limits: Partial<Limits>, largeBytes: number): Promise<ForkedApp> {
  const script = fileURLToPath(new URL('app-process.js', import.meta.url));
  const child = fork(script, [JSON.stringify({ limits, largeBytes })]);
  const message = async <T>() => (await once(child, 'message'))[0] as T;
  const { url, key } = await message<{ url: string; key: string }>();
  return {
    url,
    key,
    inspect() {
      child.send('inspect');
      return message();
    },
    close: () => child.disconnect(),
  };
}

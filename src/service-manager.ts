/**
 * What systemd is told of the service: that it is ready, and that its event loop turns. sd_notify(3): datagrams to the Unix socket
 * that NOTIFY_SOCKET names. Node has no such sockets, so systemd's own program sends them; that costs some 3 ms of CPU each.
 */
import { execFile } from 'node:child_process';
import { type Lacking, lackingOf } from './readiness.js';
import type { Store } from './store.js';

/** How often it is looked whether the service is ready. */
const READY_CHECK_MS = 50;
/** What is lacking is logged if it is still lacking after this long. */
const PATIENCE_MS = 10_000;
const NOTIFY_TIMEOUT_MS = 5_000;

export interface ServiceManager {
  stop(): void;
}

/**
 * @param environment NOTIFY_SOCKET, and WATCHDOG_USEC as the unit's WatchdogSec= sets it; without the first nobody is told
 * @param store says when the service is ready
 * @returns stops telling
 */
export function tellServiceManager(environment: NodeJS.Dict<string>, store: Store, log: (line: string) => void): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogUs, PATH } = environment;
  if (!socket) return { stop() {} };
  let reported = false;

  function tell(message: string): void {
    const env = { NOTIFY_SOCKET: socket, PATH };
    execFile('systemd-notify', [message], { env, timeout: NOTIFY_TIMEOUT_MS, killSignal: 'SIGKILL' }, (error) => {
      if (!error || reported) return;
      reported = true;
      log(`ERROR: systemd-notify ${message}: ${error.code ?? error.message}: systemd will take the service for one that hangs`);
    });
  }

  const startedMs = performance.now();
  let told = false;
  const readiness = setInterval(() => {
    const lacking = lackingOf(store);
    if (!lacking) {
      clearInterval(readiness);
      tell('READY=1');
    } else if (!told && performance.now() - startedMs > PATIENCE_MS) {
      told = true;
      log(notReady(lacking));
    }
  }, READY_CHECK_MS);

  const pingMs = Number(watchdogUs) / 1_000 / 2;
  const watchdog = pingMs > 0 ? setInterval(() => tell('WATCHDOG=1'), pingMs) : undefined;

  return {
    stop() {
      clearInterval(readiness);
      clearInterval(watchdog);
    },
  };
}

function notReady({ text }: Lacking): string {
  return `WARNING: not ready after ${PATIENCE_MS / 1_000} s: ${text}`;
}

/**
 * What systemd is told of the service: that it is ready, and that its event loop turns. sd_notify(3): datagrams to the Unix socket
 * that NOTIFY_SOCKET names. Node has no such sockets, so systemd's own program sends them; that costs some 3 ms of CPU each.
 */
import { execFile } from 'node:child_process';
import type { Store } from '../engine/store.js';
import { StartError } from '../errors.js';
import { type Lacking, lackingOf, READY_CHECK_MS } from './readiness.js';

/** What is lacking is logged if it is still lacking after this long. */
const PATIENCE_MS = 10_000;
const NOTIFY_TIMEOUT_MS = 5_000;

export interface ServiceManager {
  stop(): void;
}

/** The first descriptor that is passed on: SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_DESCRIPTOR = 3;

/**
 * The listening socket that a socket unit has opened for this process.
 *
 * @param environment LISTEN_PID and LISTEN_FDS, as sd_listen_fds(3) has them
 * @returns its descriptor; undefined if there is none
 * @throws StartError there are several
 */
export function inheritedSocket({ LISTEN_PID: pid, LISTEN_FDS: amount }: NodeJS.Dict<string>): number | undefined {
  if (pid !== String(process.pid) || amount === undefined) return undefined;
  if (amount !== '1') throw new StartError(`the socket unit has ${amount} sockets: one ListenStream= is expected`);
  return FIRST_DESCRIPTOR;
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

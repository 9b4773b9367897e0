/**
 * Notifies systemd that the service is ready, and that its event loop runs: sd_notify(3), datagrams to the Unix socket that
 * NOTIFY_SOCKET names. Node has no datagram sockets of Unix, so `systemd-notify` sends them. Each costs about 3 ms of CPU.
 */
import { execFile } from 'node:child_process';
import { type Contents, lackingOf } from '../engine/readiness.js';

const READY_CHECK_MS = 50;
/** Time after which a service that isn't ready logs why. */
const PATIENCE_MS = 10_000;
const NOTIFY_TIMEOUT_MS = 5_000;

export interface ServiceManager {
  stop(): void;
}

/**
 * Starts to notify systemd.
 *
 * @param environment NOTIFY_SOCKET, and WATCHDOG_USEC as the unit's WatchdogSec= sets it. Without the first, nothing happens
 */
export function notifyServiceManager(environment: NodeJS.Dict<string>, store: Contents, log: (line: string) => void): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogUs, PATH } = environment;
  if (!socket) return { stop() {} };
  let hasFailed = false;

  function notify(message: string): void {
    const env = { NOTIFY_SOCKET: socket, PATH };
    execFile('systemd-notify', [message], { env, timeout: NOTIFY_TIMEOUT_MS, killSignal: 'SIGKILL' }, (error) => {
      if (!error || hasFailed) return;
      hasFailed = true;
      log(
        `ERROR: systemd-notify ${message}: ${error.code ?? error.message}; systemd will restart the service: check that the program is on PATH`,
      );
    });
  }

  const startedMs = performance.now();
  let isLogged = false;
  const readiness = setInterval(() => {
    const lacking = lackingOf(store);
    if (!lacking) {
      clearInterval(readiness);
      notify('READY=1');
    } else if (!isLogged && performance.now() - startedMs > PATIENCE_MS) {
      isLogged = true;
      log(`WARNING: not ready after ${PATIENCE_MS / 1_000} s: ${lacking.text}`);
    }
  }, READY_CHECK_MS);

  const pingMs = Number(watchdogUs) / 1_000 / 2;
  const watchdog = pingMs > 0 ? setInterval(() => notify('WATCHDOG=1'), pingMs) : undefined;

  return {
    stop() {
      clearInterval(readiness);
      clearInterval(watchdog);
    },
  };
}

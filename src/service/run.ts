/** The composition root: wires the parts of the running service, and stops them. */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthorize } from '../access/authorize.js';
import { createForwardedFor, type ForwardedFor } from '../access/client-address.js';
import { type CurrentKeys, openKeys } from '../access/current-keys.js';
import { createFailedKeys } from '../access/failed-keys.js';
import { collectors } from '../collectors/index.js';
import type { Config } from '../config/config.js';
import { createClock } from '../engine/clock.js';
import { compileLate } from '../engine/compile-late.js';
import { keepHeapSmall } from '../engine/heap.js';
import { createHistory } from '../engine/history.js';
import { followIpMonitor, type IpMonitor } from '../engine/ip-monitor.js';
import { createScheduler, type Scheduler } from '../engine/schedule.js';
import { Store } from '../engine/store.js';
import { followStationEvents } from '../engine/wifi-events.js';
import { createWorkers, threadData, type Workers } from '../engine/worker-pool.js';
import type { EventStreams } from '../http/events/streams.js';
import { type AccessLog, createAccessLog } from '../http/middleware/access-log.js';
import { createHostCheck } from '../http/middleware/allowed-hosts.js';
import { expiresAtMs } from '../http/server/certificate.js';
import { listen, shut } from '../http/server/listen.js';
import type { Tls } from '../http/server/tls.js';
import { createMachine } from '../machine/machine.js';
import { holdsSecrets } from '../model/redact.js';
import { programFile } from '../program-files.js';
import { banner, secretsWarnings } from './banner.js';
import { notifyServiceManager } from './systemd.js';

/** Time after a signal at which the process exits, whatever still runs. */
const STOP_WITHIN_MS = 1_800;
/** Time after a signal at which worker threads are ended. Until then, requests that wait for a sample get it. */
const CLOSE_AFTER_MS = 400;
/** Minimum time between two samples for events: a restarted access point sends a hundred events at once. */
const EVENT_GAP_MS = 200;

/**
 * Runs the service until a signal ends it.
 *
 * @param environment variables of the process
 * @throws {StartError} if it can't run as configured
 */
export async function serve(config: Config, environment: NodeJS.Dict<string>): Promise<void> {
  compileLate();
  // Plain HTTP doesn't load TLS. Files of TLS that can't be used stop the start before a key is generated.
  const tls = config.tls && (await import('../http/server/tls.js')).openTls(config.tls, log);
  const keys = openKeys({ ...config, environment }, log);
  for (const warning of secretsWarnings(config, keys.readsSecrets())) logWarning(warning);

  let ipMonitor: IpMonitor | undefined;
  const engine = startEngine(config, keys.readsSecrets(), { read: () => ipMonitor?.read(), take: () => ipMonitor?.take() });
  const { store, scheduler, workers } = engine;
  const forwardedFor = createForwardedFor(config.trustedProxies);
  const accessLog = createAccessLog(config.accessLog, (text) => process.stdout.write(text), forwardedFor);
  const { app, events } = await createHttp(config, engine, { keys, forwardedFor, accessLog, tls });
  const keyWatch = watchKeys(config, keys, engine, events);

  const server = await listen(app, config, logWarning, tls?.createServer);
  // Programs start once requests can be served.
  const machine = createMachine(config);
  ipMonitor = followIpMonitor(machine);
  const parts = [
    notifyServiceManager(environment, store, log),
    followStationEvents(machine, sampleOnEvents(scheduler)),
    ipMonitor,
    keepHeapSmall(),
    scheduler,
    keyWatch,
    ...(tls ? [tls] : []),
    { stop: () => events.close() },
  ];
  stopOnSignal(server, workers, accessLog, parts);
  const { port } = server.address() as AddressInfo;
  for (const line of banner(config, port, environment, tls?.pair)) log(`INFO: ${line}`);
}

interface Part {
  stop(): void;
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

function logWarning(line: string): void {
  log(`WARNING: ${line}`);
}

/** Starts the worker and the scheduler. The worker loads its modules while the main thread loads HTTP. */
function startEngine(config: Config, readsSecrets: boolean, ipMonitor: Pick<IpMonitor, 'read' | 'take'>) {
  const workers = createWorkers(config.threads, threadData(config));
  const clock = createClock();
  // Generations start at the current time, so that an event stream that reconnects after a restart has seen an older one.
  const store = new Store(Date.now(), clock);
  const history = createHistory();
  store.onSample(({ outcome }) => {
    if (outcome.kind === 'sampled') history.record(outcome.points, Date.now());
  });
  store.wantsSecrets = !config.exposeSecrets && readsSecrets;
  const scheduler = createScheduler(workers, store, { clock, ipMonitor });
  scheduler.start(config.schedules);
  return { workers, store, history, scheduler };
}

type Engine = ReturnType<typeof startEngine>;

interface HttpParts {
  readonly keys: CurrentKeys;
  readonly forwardedFor: ForwardedFor;
  readonly accessLog: AccessLog;
  readonly tls: Tls | undefined;
}

async function createHttp(config: Config, engine: Engine, { keys, forwardedFor, accessLog, tls }: HttpParts) {
  // This loads while the worker starts.
  const { createApp } = await import('../http/app.js');
  const streams = await import('../http/events/streams.js');
  const events = new streams.EventStreams(engine.store);
  const app = createApp({
    ...engine,
    events,
    maxListeners: config.maxListeners,
    accessLog,
    exposeSecrets: config.exposeSecrets,
    pages: config,
    isAllowedHost: createHostCheck(config.allowedHosts),
    corsOrigins: config.corsOrigins,
    readSpecification: () => readFileSync(programFile('dist/openapi.json')),
    authorize: createAuthorize(keys.check, createFailedKeys(config.maxFailedKeys), forwardedFor),
    certificateExpiresMs: () => tls && expiresAtMs(tls.pair),
    logError: (line) => log(`ERROR: ${line}`),
  });
  return { app, events };
}

/** When other keys are valid, ends event streams of old keys, and samples again what must now have secrets or must not. */
function watchKeys({ exposeSecrets }: Config, keys: CurrentKeys, { store, scheduler }: Engine, events: EventStreams): Part {
  return keys.watch(() => {
    events.review((headers) => keys.check()(headers).access !== undefined);
    const wantsSecrets = !exposeSecrets && keys.readsSecrets();
    if (wantsSecrets === store.wantsSecrets) return;
    store.wantsSecrets = wantsSecrets;
    const names = collectors.filter(({ view }) => holdsSecrets(view.json)).map(({ name }) => name);
    void scheduler.sample(names);
  });
}

function stopOnSignal(server: Server, workers: Workers, accessLog: AccessLog, parts: readonly Part[]): void {
  let isStopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (isStopping) return;
    isStopping = true;
    const shutting = shut(server);
    log(`INFO: stopping on ${signal}`);
    setTimeout(() => process.exit(0), STOP_WITHIN_MS);
    for (const part of parts) part.stop();
    await Promise.race([shutting, sleep(CLOSE_AFTER_MS)]);
    await Promise.all([shutting, workers.close()]);
    accessLog.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, (name) => void stop(name));
}

/** Samples Wi-Fi stations after an event: once the last such sample is done, and {@link EVENT_GAP_MS} later at the earliest. */
function sampleOnEvents(scheduler: Scheduler): (event: 'station' | 'interface') => void {
  let isWaiting = false;
  let isRunning = false;
  let isThorough = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (isWaiting) {
      const wasThorough = isThorough;
      isWaiting = false;
      isThorough = false;
      // Leases appear later than the event, and are sampled on their own schedule. Neighbours disappear with the link.
      await scheduler.sample(wasThorough ? ['interfaces', 'stations', 'neighbours'] : ['stations', 'neighbours'], wasThorough);
      await sleep(EVENT_GAP_MS);
    }
    isRunning = false;
  }

  return (event) => {
    isWaiting = true;
    if (event === 'interface') isThorough = true;
    if (!isRunning) void run();
  };
}

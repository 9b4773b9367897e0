import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expiresAtMs, isSelfSigned, nameToAskFor, type TlsPair } from '../certificate.js';
import { type CollectorName, collectors } from '../collectors/index.js';
import type { Config } from '../config.js';
import { StartError } from '../errors.js';
import { followFiles, type Watched } from '../file-events.js';
import { createHistory } from '../history.js';
import { createHost } from '../host.js';
import { createAccessLog } from '../http/access-log.js';
import { listen, shut } from '../http/server.js';
import { createKeyCheck, generateKey, KEY_VARIABLE, type KeyCheck, keyProblem, readEnvFile, watchKey, writeKey } from '../key.js';
import { version } from '../package.js';
import { createSampler, threadData } from '../sampler.js';
import { createScheduler, type Scheduler } from '../scheduler.js';
import { followStationEvents } from '../station-events.js';
import { createStore } from '../store.js';

/** The service ends itself after this long, whatever does not want to end. */
const STOP_WITHIN_MS = 1_800;
/** Threads may end in the middle of a sample after this long: until then requests are answered that wait for one. */
const CLOSE_AFTER_MS = 400;
/** Events come in swarms (a hundred clients of an access point that restarts): one sample for each so many milliseconds. */
const EVENT_GAP_MS = 200;

/**
 * Runs the service until a signal ends it.
 *
 * @param fromEnvironment the key, where the environment gives it
 * @throws StartError it cannot run as asked
 */
export async function serve(config: Config, fromEnvironment: string | undefined): Promise<void> {
  // Who serves plain HTTP does without what TLS needs to be loaded.
  const tls = config.tls && (await import('../http/tls.js')).openTls(config.tls, log);
  const key = findKey(config, fromEnvironment);
  // The threads start while the rest is loaded.
  const sampler = createSampler(config.threads, threadData(config));
  // Counting starts at the time, so that a client that was connected before has seen less than there is: see /events.
  const store = createStore(Date.now());
  const history = createHistory();
  store.onSample((_record, outcome) => {
    if (outcome.ok && !outcome.unchanged) history.record(outcome.points, Date.now());
  });
  const scheduler = createScheduler(sampler, store);
  scheduler.start(config.schedules);

  let keyCheck: KeyCheck = createKeyCheck(key.value);
  const keyWatch = fromEnvironment
    ? undefined
    : watchKey(
        config.dotenv,
        key.value,
        (value) => {
          const problem = keyProblem(value, config.host);
          if (problem) return log(`ERROR: ${config.dotenv}: the new key is not taken: ${problem}; the last one stays in force`);
          keyCheck = createKeyCheck(value);
          log(`INFO: ${config.dotenv}: the new key counts from now on`);
        },
        (problem) => log(`ERROR: ${problem}`),
      );

  // Koa takes a tenth of a second to load: the threads have the processor first.
  const { createApp } = await import('../http/app.js');
  const { createEventStreams } = await import('../http/events.js');
  const eventStreams = createEventStreams(store);
  const accessLog = createAccessLog(config.accessLog, (text) => process.stdout.write(text));
  const app = createApp({
    store,
    scheduler,
    sampler,
    history,
    events: eventStreams,
    mostListeners: config.mostListeners,
    accessLog,
    exposeSecrets: config.exposeSecrets,
    corsOrigins: config.corsOrigins,
    specification: readFileSync(new URL('../../openapi.json', import.meta.url)),
    keyCheck: () => keyCheck,
    certificateExpiresMs: () => tls && expiresAtMs(tls.pair),
    logError: (line) => log(`ERROR: ${line}`),
  });
  const server = await listen(app, config.host, config.port, tls?.createServer);
  const host = createHost(config);
  const events = followStationEvents(host, sampleOnEvents(scheduler));
  const fileEvents = followFiles(
    host,
    watchedFiles(),
    (names) => void scheduler.sampleAfresh(names, false),
    (line) => log(`WARNING: ${line}`),
  );

  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    const shutting = shut(server);
    log(`INFO: stopping on ${signal}`);
    setTimeout(() => process.exit(0), STOP_WITHIN_MS);
    events.stop();
    fileEvents.stop();
    scheduler.stop();
    keyWatch?.stop();
    tls?.stop();
    eventStreams.close();
    await Promise.race([shutting, sleep(CLOSE_AFTER_MS)]);
    await Promise.all([shutting, sampler.close()]);
    accessLog.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, (name) => void stop(name));
  tellHowToUse(config, (server.address() as AddressInfo).port, key.source, tls?.pair);
}

function watchedFiles(): Watched<CollectorName>[] {
  return collectors
    .filter(({ whenChanged, unwatched }) => whenChanged && !unwatched)
    .map(({ name, sources }) => ({ name, patterns: sources.filter((source) => source.startsWith('/')) }));
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

interface Key {
  readonly value: string;
  /** Where it is, for people; and a shell word that gives it. */
  readonly source: { readonly place: string; readonly shell: string };
}

function findKey(config: Config, fromEnvironment: string | undefined): Key {
  const { dotenv, host } = config;
  const self = process.argv.slice(0, 2).map(shellWord).join(' ');
  const inFile = { place: dotenv, shell: `$(${self} key show --dotenv ${shellWord(dotenv)})` };
  const given = fromEnvironment ?? readEnvFile(dotenv)?.[KEY_VARIABLE];
  if (given) {
    const problem = keyProblem(given, host);
    if (problem) throw new StartError(`${problem}: refusing to listen on ${host}; make a better one with: apsnap key generate`);
    return { value: given, source: fromEnvironment ? { place: `the environment, ${KEY_VARIABLE}`, shell: `$${KEY_VARIABLE}` } : inFile };
  }
  const value = generateKey();
  writeKey(dotenv, value);
  log(`INFO: generated a key into ${dotenv}`);
  return { value, source: inFile };
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function tellHowToUse(config: Config, port: number, { place, shell }: Key['source'], pair: TlsPair | undefined): void {
  const { host } = config;
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const scheme = pair ? 'https' : 'http';
  const name = pair ? nameToAskFor(pair, address) : address;
  const local = `${scheme}://${authority(name, port)}`;
  log(`INFO: apsnap ${version} listening on ${scheme}://${authority(host, port)}`);
  log(`INFO: key: ${place}`);
  log(`INFO: docs: ${local}/docs`);
  log(`INFO: try: curl ${pair ? curlOptions(config, port, pair, address, name) : ''}-H "access_token: ${shell}" ${local}/system`);
}

function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What curl must be told so that it believes our certificate and, where it must, shows its own. */
function curlOptions({ tls }: Config, port: number, pair: TlsPair, address: string, name: string): string {
  const ownAuthority = isSelfSigned(pair) ? `--cacert ${shellWord(tls?.cert ?? '')} ` : '';
  const own = pair.clientCa === undefined ? '' : '--cert YOUR_CERTIFICATE --key ITS_KEY ';
  // The name of a certificate need not lead to this machine from everywhere.
  const way = name === address ? '' : `--connect-to ${name}:${port}:${authority(address, port)} `;
  return `${ownAuthority}${own}${way}`;
}

/** Samples the stations at each event, as soon as the last such sample is done and a moment has passed. */
function sampleOnEvents(scheduler: Scheduler): (event: 'station' | 'interface') => void {
  let waiting = false;
  let running = false;
  let thorough = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting) {
      waiting = false;
      const all = thorough;
      thorough = false;
      // Leases and neighbours come later than the event anyway, with their schedule: waiting for them would only delay.
      await scheduler.sampleAfresh(all ? ['interfaces', 'stations'] : ['stations'], all);
      await new Promise((resolve) => setTimeout(resolve, EVENT_GAP_MS));
    }
    running = false;
  }

  return (event) => {
    waiting = true;
    if (event === 'interface') thorough = true;
    if (!running) void run();
  };
}

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGate } from '../access/authorize.js';
import { createForwardedFor } from '../access/client-address.js';
import { findKeys, type KeysInForce } from '../access/current-keys.js';
import { isDigest, KEY_VARIABLE, readEnvFile, SECRETS_KEY_VARIABLE } from '../access/env-file.js';
import { createFailedKeys } from '../access/failed-keys.js';
import { isInTheOpen, secretsInTheOpen } from '../cli/doctor/access.js';
import { collectors } from '../collectors/index.js';
import type { Config } from '../config/read.js';
import { createHistory } from '../engine/history.js';
import { createScheduler, type Scheduler } from '../engine/schedule.js';
import { createStore } from '../engine/store.js';
import { followStationEvents } from '../engine/wifi-events.js';
import { createSampler, threadData } from '../engine/worker-pool.js';
import type { EventStreams } from '../http/events/streams.js';
import { createAccessLog } from '../http/middleware/access-log.js';
import { createHostCheck } from '../http/middleware/allowed-hosts.js';
import { expiresAtMs, isSelfSigned, nameToAskFor, type TlsPair } from '../http/server/certificate.js';
import { listen, shut } from '../http/server/listen.js';
import { createMachine } from '../machine/machine.js';
import { holdsSecrets } from '../model/redact.js';
import { programFile } from '../program-files.js';
import { version } from '../version.js';
import { untilReady } from './readiness.js';
import { inheritedSocket, tellServiceManager } from './systemd.js';

/** The service ends itself after this long, whatever does not want to end. */
const STOP_WITHIN_MS = 1_800;
/** Threads may end in the middle of a sample after this long: until then requests are answered that wait for one. */
const CLOSE_AFTER_MS = 400;
/** Who has started the service by connecting waits so long at most, then is told what is lacking. */
const READY_WITHIN_MS = 10_000;
/** Events come in swarms (a hundred clients of an access point that restarts): one sample for each so many milliseconds. */
const EVENT_GAP_MS = 200;
const REVIEW_STREAMS_MS = 10_000;

/**
 * Runs the service until a signal ends it.
 *
 * @param environment variables of the process
 * @throws StartError it cannot run as asked
 */
export async function serve(asked: Config, environment: NodeJS.Dict<string>): Promise<void> {
  const descriptor = inheritedSocket(environment);
  // Where a socket listens that somebody else has opened is not known yet: it may be everywhere.
  const config = descriptor === undefined ? asked : { ...asked, host: '0.0.0.0' };
  // Who serves plain HTTP does without what TLS needs to be loaded. A pair that cannot be used stops the start before a key is made.
  const tls = config.tls && (await import('../http/server/tls.js')).openTls(config.tls, log);
  const keys = findKeys({ ...config, environment }, log);
  warnOfPlainSecrets(config, keys);
  // The threads start while the rest is loaded.
  const sampler = createSampler(config.threads, threadData(config));
  // Counting starts at the time, so that a client that was connected before has seen less than there is: see /events.
  const store = createStore(Date.now());
  const history = createHistory();
  store.onSample((_record, outcome) => {
    if (outcome.kind === 'sampled') history.record(outcome.points, Date.now());
  });
  const scheduler = createScheduler(sampler, store);
  store.wantsSecrets = !config.exposeSecrets && keys.seesSecrets();
  scheduler.start(config.schedules);

  let eventStreams: EventStreams | undefined;
  // A stream ends with its key; that of one in its grace not at once when that is over.
  const reviewStreams = () => eventStreams?.review((headers) => keys.check()(headers).access !== undefined);
  setInterval(reviewStreams, REVIEW_STREAMS_MS).unref();
  const keyWatch = keys.follow(() => {
    reviewStreams();
    const wanted = !config.exposeSecrets && keys.seesSecrets();
    if (wanted === store.wantsSecrets) return;
    store.wantsSecrets = wanted;
    // What is kept has secrets and should not, or the other way round.
    const names = collectors.filter(({ view }) => holdsSecrets(view.json)).map(({ name }) => name);
    void scheduler.sampleAfresh(names, false);
  });

  // Koa takes a tenth of a second to load: the threads have the processor first.
  const { createApp } = await import('../http/app.js');
  const streams = await import('../http/events/streams.js');
  eventStreams = new streams.EventStreams(store);
  const forwardedFor = createForwardedFor(config.trustedProxies);
  const accessLog = createAccessLog(config.accessLog, (text) => process.stdout.write(text), forwardedFor);
  const app = createApp({
    store,
    scheduler,
    sampler,
    history,
    events: eventStreams,
    maxListeners: config.maxListeners,
    accessLog,
    exposeSecrets: config.exposeSecrets,
    pages: config,
    isAllowedHost: createHostCheck(config.allowedHosts),
    corsOrigins: config.corsOrigins,
    specification: readFileSync(programFile('dist/openapi.json')),
    authorize: createGate(keys.check, createFailedKeys(config.mostFailedKeys), forwardedFor),
    certificateExpiresMs: () => tls && expiresAtMs(tls.pair),
    logError: (line) => log(`ERROR: ${line}`),
  });
  // Who connects to a socket that is there before us waits in its queue: the first answer is not that nothing has been sampled yet.
  if (descriptor !== undefined) await untilReady(store, READY_WITHIN_MS);
  const server = await listen(app, { ...config, descriptor }, (line) => log(`WARNING: ${line}`), tls?.createServer);
  const serviceManager = tellServiceManager(environment, store, log);
  const host = createMachine(config);
  const events = followStationEvents(host, sampleOnEvents(scheduler));

  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    const shutting = shut(server);
    log(`INFO: stopping on ${signal}`);
    setTimeout(() => process.exit(0), STOP_WITHIN_MS);
    serviceManager.stop();
    events.stop();
    scheduler.stop();
    keyWatch.stop();
    tls?.stop();
    eventStreams?.close();
    await Promise.race([shutting, sleep(CLOSE_AFTER_MS)]);
    await Promise.all([shutting, sampler.close()]);
    accessLog.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, (name) => void stop(name));
  const { address, port } = server.address() as AddressInfo;
  const listening = descriptor === undefined ? config : { ...config, host: address };
  tellHowToUse(listening, port, keySource(config, environment), tls?.pair);
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Where the key is, for people; and a shell word that gives it. */
interface KeySource {
  readonly place: string;
  readonly shell: string;
}

function keySource({ dotenv }: Config, environment: NodeJS.Dict<string>): KeySource {
  const given = environment[KEY_VARIABLE];
  const { RUNTIME_DIRECTORY: runtime } = environment;
  // The copy that the unit makes for the service is of use to nobody else.
  if (!given && runtime && dotenv.startsWith(`${runtime}/`))
    return { place: 'sudo apsnap key show prints it', shell: '$(sudo apsnap key show)' };
  const place = given ? `the environment, ${KEY_VARIABLE}` : dotenv;
  // Of a digest nobody can tell the key.
  if (isDigest(given || (readEnvFile(dotenv)?.[KEY_VARIABLE] ?? ''))) return { place, shell: 'KEY' };
  const self = process.argv.slice(0, 2).map(shellWord).join(' ');
  return { place, shell: given ? `$${KEY_VARIABLE}` : `$(${self} key show --dotenv ${shellWord(dotenv)})` };
}

function warnOfPlainSecrets(config: Config, keys: KeysInForce): void {
  const { exposeSecrets } = config;
  if (exposeSecrets && keys.seesSecrets()) {
    log(`WARNING: --expose-secrets shows secrets to every key: ${SECRETS_KEY_VARIABLE} sees no more than ${KEY_VARIABLE}`);
  }
  if ((exposeSecrets || keys.seesSecrets()) && isInTheOpen(config)) log(`WARNING: ${secretsInTheOpen(config)}`);
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function tellHowToUse(config: Config, port: number, { place, shell }: KeySource, pair: TlsPair | undefined): void {
  const { host, docs } = config;
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const scheme = pair ? 'https' : 'http';
  const name = pair ? nameToAskFor(pair, address) : address;
  const local = `${scheme}://${authority(name, port)}`;
  log(`INFO: apsnap ${version} listening on ${scheme}://${authority(host, port)}`);
  log(`INFO: key: ${place}`);
  if (docs) log(`INFO: docs: ${local}/docs`);
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

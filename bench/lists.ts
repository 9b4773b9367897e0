/** Cost of large block lists: `/dns/domains` and `/dns/hostnames`. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf } from '../src/encode/body.js';
import { parseDomains } from '../src/parse/blocklist.js';
import { ask, header } from './ask.js';
import { blockedName, DOMAINS_FILE, domainLine, type Fixture, HOSTNAMES_FILE, hostnameLine, writeFixture } from './fixture.js';
import { pace } from './load.js';
import {
  type Delay,
  eventLoopDelay,
  inTurn,
  MEASURING_DELAY,
  median,
  onFixture,
  onlyEachSecond,
  PACE_PER_SECOND,
  type Row,
  spread,
  untilFresh,
} from './measure.js';
import { residentKb, threadsCpuMs } from './proc.js';
import { type ApsnapOptions, KEY, type Server, startApsnap, temporaryFolder } from './server.js';

export interface ListsEffort {
  /** Names in each of the two lists. */
  readonly names: number;
  /** Names in each list where only responses and memory count, not the event loop. */
  readonly maxNames: number;
  /** Changes of both lists before measuring starts, until V8 has compiled the parsers. */
  readonly warmUpChanges: number;
  readonly rounds: number;
  readonly seconds: number;
  /** Measured changes. */
  readonly changes: number;
  readonly queries: number;
  readonly unchangedSeconds: number;
  /** Longer than rebuilding both lists takes. */
  readonly settleSeconds: number;
}

/** Maximum event-loop delay above idle. */
const MAX_ABOVE_IDLE_MS = 10;
/** Names per page. */
const LIMIT = 100;
const LISTS_ONLY = onlyEachSecond('domains', 'hostnames');

const lists = [
  { path: '/dns/domains', file: DOMAINS_FILE, line: domainLine },
  { path: '/dns/hostnames', file: HOSTNAMES_FILE, line: hostnameLine },
] as const;
type List = (typeof lists)[number];

/** A service that serves the lists, and a way to change them. */
interface Listing {
  readonly server: Server;
  /** Appends a new name and returns it. */
  change(list: List): string;
}

async function startListing(fixture: Fixture, options: ApsnapOptions): Promise<Listing> {
  const { args, path } = onFixture(fixture);
  const server = await startApsnap({ ...options, path, args: [...args, ...(options.args ?? LISTS_ONLY)] });
  for (const list of lists) await untilFresh(server, list.path);
  return {
    server,
    change({ file, line }) {
      const name = `new-${added++}.example`;
      appendFileSync(join(fixture.rootfs, file), line(name));
      return name;
    },
  };
}

let added = 0;

function listsOf({ names }: ListsEffort): Fixture {
  return writeFixture(temporaryFolder(), { clients: 0, blockedNames: names });
}

/** Measures the effect of the lists on the main thread. */
export async function measureListDelay(effort: ListsEffort): Promise<Row[]> {
  const fixture = listsOf(effort);
  return [
    ...(await delayWhileParsing(fixture, effort)),
    await latencyWhileParsing(fixture, effort),
    ...(await delayWhileSent(fixture, effort)),
  ];
}

/** Measures lists that change and lists that do not. */
export async function measureListChange(effort: ListsEffort): Promise<Row[]> {
  const fixture = listsOf(effort);
  return [...(await changeToAnswer(fixture, effort)), await unchanged(fixture, effort)];
}

/** Measures searching and paging. */
export function measureListQueries(effort: ListsEffort): Promise<Row[]> {
  return queries(listsOf(effort), effort);
}

const both = (names: number) => `both lists of ${names.toLocaleString('en')} names`;

/** Changes both lists each second while `measure` runs. Also returns how many lists were rebuilt per second. */
async function whileChanging<T>(
  { server, change }: Listing,
  settleSeconds: number,
  measure: () => Promise<T>,
): Promise<{ result: T; perSecond: number }> {
  const before = await generation(server);
  const startedMs = performance.now();
  const changeAll = () => {
    for (const list of lists) change(list);
  };
  changeAll();
  const timer = setInterval(changeAll, 1_000);
  const result = await measure();
  clearInterval(timer);
  const perSecond = ((await generation(server)) - before) / ((performance.now() - startedMs) / 1000);
  await untilQuiet(server, settleSeconds);
  return { result, perSecond };
}

/** Returns the generation. If the service samples nothing else, it counts the lists that were built. */
async function generation(server: Server): Promise<number> {
  const { body } = await ask(`${server.url}/snapshot?documents=system`, KEY);
  return (JSON.parse(body.toString()) as { generation: number }).generation;
}

/** Waits until no list was rebuilt for that time. */
async function untilQuiet(server: Server, settleSeconds: number): Promise<void> {
  for (let last = -1, now = await generation(server); now !== last; now = await generation(server)) {
    last = now;
    await sleep(settleSeconds * 1000);
  }
}

async function warmUp(listing: Listing, { warmUpChanges }: ListsEffort): Promise<void> {
  for (let index = 0; index < warmUpChanges; index++) await Promise.all(lists.map((list) => untilAnswered(listing, list)));
}

/** Changes a list and returns the milliseconds until a response contains the change. */
async function untilAnswered({ server, change }: Listing, list: List): Promise<number> {
  const url = `${server.url}${list.path}`;
  const tag = async () => header(await ask(url, KEY, { method: 'HEAD' }), 'ETag');
  const before = await tag();
  const changedMs = performance.now();
  const name = change(list);
  while ((await tag()) === before) {
    if (performance.now() - changedMs > 30_000) throw new Error(`${list.path} did not change within 30 s: ${server.errors()}`);
    await sleep(5);
  }
  const tookMs = performance.now() - changedMs;
  const { body } = await ask(`${url}?contains=${name}`, KEY);
  if ((JSON.parse(body.toString()) as { amount: number }).amount !== 1)
    throw new Error(`${list.path} changed but does not contain ${name}`);
  return tookMs;
}

/** Event-loop delay while both lists are parsed each second, compared with the same service while they are not. */
async function delayWhileParsing(fixture: Fixture, effort: ListsEffort): Promise<Row[]> {
  const measure = async (core: 'any' | 'server') => {
    const listing = await startListing(fixture, { nodeArgs: MEASURING_DELAY, core });
    await warmUp(listing, effort);
    const made: number[] = [];
    const delay = async () => {
      await eventLoopDelay(listing.server);
      await sleep(effort.seconds * 1000);
      return eventLoopDelay(listing.server);
    };
    const measured = await inTurn(
      effort.rounds,
      async () => {
        const { result, perSecond } = await whileChanging(listing, effort.settleSeconds, delay);
        made.push(perSecond);
        return result;
      },
      delay,
    );
    await listing.server.stop();
    return { measured, made: median(made) };
  };
  const [free, oneCore] = [await measure('any'), await measure('server')];
  const aboveIdle = (above: number) => ({ target: `under ${MAX_ABOVE_IDLE_MS} ms`, met: above < MAX_ABOVE_IDLE_MS });
  const [p99, p99OneCore, longest, longestOneCore] = [
    p99Above(free.measured),
    p99Above(oneCore.measured),
    longestAbove(free.measured),
    longestAbove(oneCore.measured),
  ];
  return [
    {
      figure: `p99 event-loop delay while ${both(effort.names)} change each second, above idle`,
      measured: p99.text,
      details: `${p99.details}, ${free.made.toFixed(1)} lists built per second, with the whole service on one core ${p99OneCore.text}`,
      ...aboveIdle(p99.ms),
    },
    {
      figure: 'Maximum event-loop delay meanwhile, above idle, in the best round',
      measured: longest.text,
      details: `${longest.details}, with the whole service on one core ${longestOneCore.text}`,
      ...aboveIdle(longest.ms),
    },
  ];
}

/** A difference in milliseconds, and the two values behind it. */
interface Above {
  readonly ms: number;
  readonly text: string;
  readonly details: string;
}

/** Compares each first round with each second one. */
function p99Above(measured: readonly [Delay, Delay][]): Above {
  const above = measured.map(([busy, idle]) => busy.p99Ms - idle.p99Ms);
  const [busy, idle] = [median(measured.map(([a]) => a.p99Ms)), median(measured.map(([, b]) => b.p99Ms))];
  const ms = median(above);
  return { ms, text: `${ms.toFixed(2)} ms (${spread(above)})`, details: `${busy.toFixed(2)} ms, idle ${idle.toFixed(2)} ms` };
}

/** As {@link p99Above}, for the maximum. Other work on the machine adds tens of milliseconds to it, so the best round counts. */
function longestAbove(measured: readonly [Delay, Delay][]): Above {
  const [busy, idle] = [Math.min(...measured.map(([a]) => a.maxMs)), Math.min(...measured.map(([, b]) => b.maxMs))];
  return { ms: busy - idle, text: `${(busy - idle).toFixed(2)} ms`, details: `${busy.toFixed(2)} ms, idle ${idle.toFixed(2)} ms` };
}

async function latencyWhileParsing(fixture: Fixture, effort: ListsEffort): Promise<Row> {
  const listing = await startListing(fixture, {});
  await warmUp(listing, effort);
  const options = { perSecond: PACE_PER_SECOND, warmUpSeconds: 0, seconds: effort.seconds };
  const p99 = async () => (await pace(`${listing.server.url}/system`, options)).p99Ms;
  const measured = await inTurn(effort.rounds, async () => (await whileChanging(listing, effort.settleSeconds, p99)).result, p99);
  await listing.server.stop();
  const ratios = measured.map(([changing, not]) => changing / not);
  const [changing, not] = [median(measured.map(([a]) => a)), median(measured.map(([, b]) => b))];
  return {
    figure: `p99 latency of \`/system\`, ${PACE_PER_SECOND} requests/s, meanwhile ÷ while the lists do not change`,
    target: null,
    measured: `${median(ratios).toFixed(2)} (${spread(ratios)})`,
    details: `${changing.toFixed(2)} ms, without changes ${not.toFixed(2)} ms`,
    met: null,
  };
}

/** Event-loop delay while a client fetches a changed snapshot with both lists each second. */
async function delayWhileSent(fixture: Fixture, effort: ListsEffort): Promise<Row[]> {
  const { server } = await startListing(fixture, { args: onlyEachSecond('clock'), nodeArgs: MEASURING_DELAY });
  const fetched: number[] = [];
  const fetchAll = async () => {
    const { body } = await ask(`${server.url}/snapshot?documents=dns/domains,dns/hostnames`, KEY, {
      headers: { 'Accept-Encoding': 'gzip' },
    });
    fetched.push(body.length);
  };
  const delay = async (fetching: boolean) => {
    await eventLoopDelay(server);
    for (let second = 0; second < effort.seconds; second++) {
      const next = sleep(1_000);
      if (fetching) await fetchAll();
      await next;
    }
    return eventLoopDelay(server);
  };
  await fetchAll();
  const measured = await inTurn(
    effort.rounds,
    () => delay(true),
    () => delay(false),
  );
  await server.stop();
  const [p99, longest] = [p99Above(measured), longestAbove(measured)];
  const figure = 'p99 event-loop delay while a client fetches `/snapshot` with both lists each second, compressed, above idle';
  return [
    { figure, target: null, measured: p99.text, details: `${p99.details}, ${megabytes(median(fetched))} each`, met: null },
    {
      figure: 'Maximum event-loop delay meanwhile, above idle, in the best round',
      target: null,
      measured: longest.text,
      details: longest.details,
      met: null,
    },
  ];
}

/** Time from the change of a file to the first response that contains it, and the memory of a service after many changes. */
async function changeToAnswer(fixture: Fixture, effort: ListsEffort): Promise<Row[]> {
  const without = await startApsnap({ ...onFixture(writeFixture(temporaryFolder(), { clients: 0 })) });
  const listing = await startListing(fixture, {});
  await untilFresh(without, '/system');
  const first = residentKb(listing.server.pid);
  await warmUp(listing, effort);
  const one: number[] = [];
  const later: number[] = [];
  for (let change = 0; change < effort.changes; change++) {
    one.push(await untilAnswered(listing, lists[0]));
    later.push(Math.max(...(await Promise.all(lists.map((list) => untilAnswered(listing, list))))));
  }
  const resident = residentKb(listing.server.pid);
  const bodies = await Promise.all(
    lists.flatMap(({ path }) =>
      ['identity', 'gzip'].map(async (coding) => {
        const answer = await ask(`${listing.server.url}${path}`, KEY, { method: 'HEAD', headers: { 'Accept-Encoding': coding } });
        return Number(header(answer, 'Content-Length'));
      }),
    ),
  );
  const { parseMs, encodeMs } = alone(fixture);
  const restMs = median(one) - parseMs - encodeMs;
  const rows: Row[] = [
    {
      figure: `Change of a list of ${effort.names.toLocaleString('en')} names to the first response that contains it`,
      target: 'under 2 s',
      measured: `${seconds(median(one))} (${seconds(Math.min(...one))} to ${seconds(Math.max(...one))})`,
      details: `parsing ${seconds(parseMs)}, compressing and hashing ${seconds(encodeMs)}, noticing and handing over ${seconds(restMs)}, both lists at once ${seconds(median(later))}`,
      met: median(one) < 2_000,
    },
    {
      figure: `Resident memory with ${both(effort.names)}`,
      target: null,
      measured: `${megabytes(resident * 1024)} after ${3 * effort.changes + 2 * effort.warmUpChanges} changes`,
      details: `${megabytes(first * 1024)} at first, without lists ${megabytes(residentKb(without.pid) * 1024)}, plain and compressed bodies ${megabytes(bodies.reduce((sum, length) => sum + length, 0))}`,
      met: null,
    },
  ];
  await Promise.all([listing.server.stop(), without.stop()]);
  return rows;
}

/** Measures parsing and encoding in a thread without other work, after V8 has compiled them. */
function alone({ rootfs }: Fixture): { parseMs: number; encodeMs: number } {
  const file = readFileSync(join(rootfs, DOMAINS_FILE));
  const runs = Array.from({ length: 5 }, () => {
    const startedMs = performance.now();
    const json = parseDomains(file.length, [file], DOMAINS_FILE);
    const parsedMs = performance.now();
    bodyOf(null, json);
    return { parseMs: parsedMs - startedMs, encodeMs: performance.now() - parsedMs };
  });
  return { parseMs: median(runs.map(({ parseMs }) => parseMs)), encodeMs: median(runs.map(({ encodeMs }) => encodeMs)) };
}

/** Measures lists that do not change, on the default schedule of once a second. */
async function unchanged(fixture: Fixture, { names, unchangedSeconds, settleSeconds }: ListsEffort): Promise<Row> {
  const empty = onFixture(writeFixture(temporaryFolder(), { clients: 0 }));
  const { server } = await startListing(fixture, {});
  const without = await startApsnap({ path: empty.path, args: [...empty.args, ...LISTS_ONLY] });
  await untilQuiet(server, settleSeconds);
  const before = [server, without].map(({ pid }) => threadsCpuMs(pid));
  await sleep(unchangedSeconds * 1000);
  const [withLists = Number.NaN, none = Number.NaN] = [server, without].map(
    ({ pid }, index) => (threadsCpuMs(pid) - (before[index] ?? 0)) / unchangedSeconds,
  );
  await Promise.all([server.stop(), without.stop()]);
  const above = withLists - none;
  return {
    figure: `CPU of ${both(names)} that do not change, above the same service without lists`,
    target: 'at most 0.1 ms per second',
    measured: `${above.toFixed(3)} ms per second`,
    details: `${withLists.toFixed(2)} ms per second, without lists ${none.toFixed(2)} ms per second`,
    met: above <= 0.1,
  };
}

/** Measures queries that all differ, because the response to a query is kept until the list changes. */
async function queries(fixture: Fixture, { names, queries: amount }: ListsEffort): Promise<Row[]> {
  const { server } = await startListing(fixture, {});
  const measure = async (figure: string, query: (index: number) => string): Promise<Row> => {
    await ask(`${server.url}/dns/domains?${query(0)}`, KEY);
    const tookMs: number[] = [];
    const before = threadsCpuMs(server.pid);
    for (let index = 1; index <= amount; index++) {
      const startedMs = performance.now();
      const { status } = await ask(`${server.url}/dns/domains?${query(index)}`, KEY);
      if (status !== 200) throw new Error(`/dns/domains?${query(index)}: ${status}`);
      tookMs.push(performance.now() - startedMs);
    }
    const cpuMs = (threadsCpuMs(server.pid) - before) / amount;
    return {
      figure: `CPU per query ${figure} in ${names.toLocaleString('en')} names`,
      target: null,
      measured: `${cpuMs.toFixed(1)} ms`,
      details: `response after ${median(tookMs).toFixed(1)} ms (${spread(tookMs, 1)})`,
      met: null,
    };
  };
  const step = Math.floor(names / (amount + 1));
  const rows = [
    await measure('`?contains=`', (index) => `contains=${blockedName(index * step).slice(0, -4)}`),
    await measure(`\`?limit=${LIMIT}&offset=\``, (index) => `limit=${LIMIT}&offset=${index * step}`),
  ];
  await server.stop();
  return rows;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

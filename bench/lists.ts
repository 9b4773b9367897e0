/** Cost of large block lists: `/dns/domains` and `/dns/hostnames`. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, header } from './ask.js';
import { type Delay, eventLoopDelay, MEASURING_DELAY } from './event-loop.js';
import { blockedName, DOMAINS_FILE, domainLine, type Fixture, HOSTNAMES_FILE, hostnameLine, writeFixture } from './fixture.js';
import { quantity, withInterval } from './format.js';
import { pace } from './load.js';
import { cpuOfBoth, onFixture, onlyEachSecond, PACE_PER_SECOND, stopAll, untilFresh } from './measure.js';
import { cpuOf, residentMb } from './proc.js';
import { inTurn, repeat } from './rounds.js';
import { differenceRow, type Row, valueRow } from './row.js';
import type { ListsEffort, Run } from './run.js';
import { type ApsnapOptions, KEY, type Server, startApsnap, temporaryFolder } from './server.js';
import { median } from './statistics.js';
import type { Subject } from './subject.js';

/** Maximum event-loop delay above idle. */
const MAX_ABOVE_IDLE_MS = 10;
/** Maximum CPU time of lists that do not change, per second. */
const MAX_UNCHANGED_MS = 0.1;
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

async function startListing(subject: Subject, fixture: Fixture, options: ApsnapOptions = {}): Promise<Listing> {
  const { args, path } = onFixture(fixture);
  const server = await startApsnap(subject, { ...options, path, args: [...args, ...(options.args ?? LISTS_ONLY)] });
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

const listsOf = (names: number) => writeFixture(temporaryFolder(), { clients: 0, blockedNames: names });

/** Measures the effect of the lists on the main thread. */
export async function listDelay({ subject, effort }: Run): Promise<Row[]> {
  const fixture = listsOf(effort.lists.names);
  return [
    ...(await delayWhileParsing(subject, fixture, effort.lists)),
    await latencyWhileParsing(subject, fixture, effort.lists),
    ...(await delayWhileSent(subject, fixture, effort.lists)),
  ];
}

/** Measures lists that change and lists that do not. */
export async function listChange({ subject, effort }: Run): Promise<Row[]> {
  const fixture = listsOf(effort.lists.maxNames);
  return [...(await changeToAnswer(subject, fixture, effort.lists)), await unchanged(subject, fixture, effort.lists)];
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
async function delayWhileParsing(subject: Subject, fixture: Fixture, effort: ListsEffort): Promise<Row[]> {
  const measure = async (core: 'any' | 'server') => {
    const listing = await startListing(subject, fixture, { nodeArgs: MEASURING_DELAY, core });
    await warmUp(listing, effort);
    const made: number[] = [];
    const delay = async () => {
      await eventLoopDelay(listing.server);
      await sleep(effort.delay.seconds * 1000);
      return eventLoopDelay(listing.server);
    };
    const changing = async () => {
      const { result, perSecond } = await whileChanging(listing, effort.settleSeconds, delay);
      made.push(perSecond);
      return result;
    };
    const measured = await repeat(effort.delay, inTurn(changing, delay), p99Above, MAX_ABOVE_IDLE_MS);
    await listing.server.stop();
    return { measured, made: median(made) };
  };
  const [free, oneCore] = [await measure('any'), await measure('server')];
  const onOneCore = (text: string) => `with the whole service on one core ${text}`;
  return [
    p99Row(`p99 event-loop delay while ${both(effort.names)} change each second, above idle`, free.measured, MAX_ABOVE_IDLE_MS, [
      quantity(free.made, 'lists built per second'),
      onOneCore(withInterval(oneCore.measured.map(p99Above), 'ms')),
    ]),
    maximumRow(free.measured, MAX_ABOVE_IDLE_MS, [onOneCore(quantity(maximumAbove(oneCore.measured), 'ms'))]),
  ];
}

type Pair = [busy: Delay, idle: Delay];

const p99Above = ([busy, idle]: Pair) => busy.p99Ms - idle.p99Ms;

function p99Row(figure: string, measured: readonly Pair[], atMost: number | undefined, more: readonly string[]): Row {
  const [busy, idle] = [median(measured.map(([a]) => a.p99Ms)), median(measured.map(([, b]) => b.p99Ms))];
  return differenceRow({
    figure,
    unit: 'ms',
    values: measured.map(p99Above),
    ...(atMost !== undefined && { atMost }),
    details: [quantity(busy, 'ms'), `idle ${quantity(idle, 'ms')}`, ...more],
  });
}

const maximum = (delays: readonly Delay[]) => Math.min(...delays.map(({ maxMs }) => maxMs));

const maximumAbove = (measured: readonly Pair[]) => maximum(measured.map(([busy]) => busy)) - maximum(measured.map(([, idle]) => idle));

/** Other work on the machine adds tens of milliseconds to the maximum, so the best round counts. */
function maximumRow(measured: readonly Pair[], atMost: number | undefined, more: readonly string[] = []): Row {
  const [busy, idle] = [maximum(measured.map(([a]) => a)), maximum(measured.map(([, b]) => b))];
  return valueRow({
    figure: 'Maximum event-loop delay meanwhile, above idle, in the best round',
    unit: 'ms',
    values: [busy - idle],
    ...(atMost !== undefined && { atMost }),
    details: [quantity(busy, 'ms'), `idle ${quantity(idle, 'ms')}`, ...more],
  });
}

async function latencyWhileParsing(subject: Subject, fixture: Fixture, effort: ListsEffort): Promise<Row> {
  const listing = await startListing(subject, fixture);
  await warmUp(listing, effort);
  const options = { perSecond: PACE_PER_SECOND, warmUpSeconds: 0, seconds: effort.delay.seconds };
  const p99 = async () => (await pace(`${listing.server.url}/system`, options)).p99Ms;
  const changing = async () => (await whileChanging(listing, effort.settleSeconds, p99)).result;
  const measured = await repeat(effort.delay, inTurn(changing, p99), ([a, b]) => a / b);
  await listing.server.stop();
  const middle = (index: 0 | 1) => quantity(median(measured.map((pair) => pair[index])), 'ms');
  return valueRow({
    figure: `p99 latency of \`/system\`, ${PACE_PER_SECOND} requests/s, meanwhile ÷ while the lists do not change`,
    values: measured.map(([a, b]) => a / b),
    details: [middle(0), `without changes ${middle(1)}`],
  });
}

/** Event-loop delay while a client fetches a changed snapshot with both lists each second. */
async function delayWhileSent(subject: Subject, fixture: Fixture, effort: ListsEffort): Promise<Row[]> {
  const { server } = await startListing(subject, fixture, { args: onlyEachSecond('clock'), nodeArgs: MEASURING_DELAY });
  const fetched: number[] = [];
  const fetchAll = async () => {
    const { body } = await ask(`${server.url}/snapshot?documents=dns/domains,dns/hostnames`, KEY, {
      headers: { 'Accept-Encoding': 'gzip' },
    });
    fetched.push(body.length);
  };
  const delay = (fetching: boolean) => async () => {
    await eventLoopDelay(server);
    for (let second = 0; second < effort.delay.seconds; second++) {
      const next = sleep(1_000);
      if (fetching) await fetchAll();
      await next;
    }
    return eventLoopDelay(server);
  };
  await fetchAll();
  const measured = await repeat(effort.delay, inTurn(delay(true), delay(false)), p99Above, MAX_ABOVE_IDLE_MS);
  await server.stop();
  const figure = 'p99 event-loop delay while a client fetches `/snapshot` with both lists each second, compressed, above idle';
  return [p99Row(figure, measured, undefined, [`${megabytes(median(fetched))} each`]), maximumRow(measured, undefined)];
}

/** Time from the change of a file to the first response that contains it, and the memory of a service after many changes. */
async function changeToAnswer(subject: Subject, fixture: Fixture, effort: ListsEffort): Promise<Row[]> {
  const without = await startApsnap(subject, onFixture(writeFixture(temporaryFolder(), { clients: 0 })));
  const listing = await startListing(subject, fixture);
  await untilFresh(without, '/system');
  const first = residentMb(listing.server.pid);
  await warmUp(listing, effort);
  const change = async () => {
    const one = await untilAnswered(listing, lists[0]);
    return [one, Math.max(...(await Promise.all(lists.map((list) => untilAnswered(listing, list)))))] as const;
  };
  const measured = await repeat(effort.changes, change, ([one]) => one);
  const resident = residentMb(listing.server.pid);
  const bodies = await sizesOfBodies(listing.server);
  const rows = [
    valueRow({
      figure: `Change of a list of ${effort.maxNames.toLocaleString('en')} names to the first response that contains it`,
      unit: 's',
      atMost: 2,
      values: measured.map(([one]) => one / 1000),
      details: [`both lists at once ${quantity(median(measured.map(([, all]) => all)) / 1000, 's')}`],
    }),
    valueRow({
      figure: `Resident memory with ${both(effort.maxNames)}, after ${3 * measured.length + 2 * effort.warmUpChanges} changes`,
      unit: 'MB',
      values: [resident],
      details: [
        `${quantity(first, 'MB')} at first`,
        `without lists ${quantity(residentMb(without.pid), 'MB')}`,
        `plain and compressed bodies ${megabytes(bodies)}`,
      ],
    }),
  ];
  await stopAll(listing.server, without);
  return rows;
}

/** Returns the bytes of all bodies of both lists. */
async function sizesOfBodies(server: Server): Promise<number> {
  const requests = lists.flatMap(({ path }) =>
    ['identity', 'gzip'].map((coding) => ask(`${server.url}${path}`, KEY, { method: 'HEAD', headers: { 'Accept-Encoding': coding } })),
  );
  const lengths = (await Promise.all(requests)).map((answer) => Number(header(answer, 'Content-Length')));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** Measures lists that do not change, on the default schedule of once a second, and a service without lists during the same seconds. */
async function unchanged(subject: Subject, fixture: Fixture, effort: ListsEffort): Promise<Row> {
  const empty = onFixture(writeFixture(temporaryFolder(), { clients: 0 }));
  const { server } = await startListing(subject, fixture);
  const without = await startApsnap(subject, { path: empty.path, args: [...empty.args, ...LISTS_ONLY] });
  await untilQuiet(server, effort.settleSeconds);
  const { seconds } = effort.unchanged;
  const above = ([a, b]: [number, number]) => a - b;
  const round = async (): Promise<[number, number]> => {
    const [withLists, none] = await cpuOfBoth([server, without], seconds);
    return [withLists.threads / seconds, none.threads / seconds];
  };
  const measured = await repeat(effort.unchanged, round, above, MAX_UNCHANGED_MS);
  await stopAll(server, without);
  const middle = (index: 0 | 1) => quantity(median(measured.map((pair) => pair[index])), 'ms per second');
  return differenceRow({
    figure: `CPU of ${both(effort.maxNames)} that do not change, above the same service without lists`,
    unit: 'ms per second',
    atMost: MAX_UNCHANGED_MS,
    values: measured.map(above),
    details: [middle(0), `without lists ${middle(1)}`],
  });
}

/** Measures queries that all differ, because the response to a query is kept until the list changes. */
export async function listQueries({ subject, effort }: Run): Promise<Row[]> {
  const { maxNames: names, queries } = effort.lists;
  const { server } = await startListing(subject, listsOf(names));
  const measure = async (figure: string, query: (index: number) => string): Promise<Row> => {
    await ask(`${server.url}/dns/domains?${query(0)}`, KEY);
    const round = async (index: number) => {
      const startedMs = performance.now();
      const { threads } = await cpuOf(server.pid, async () => {
        const { status } = await ask(`${server.url}/dns/domains?${query(index + 1)}`, KEY);
        if (status !== 200) throw new Error(`/dns/domains?${query(index + 1)}: ${status}`);
      });
      return { cpuMs: threads, ms: performance.now() - startedMs };
    };
    const measured = await repeat(queries, round, ({ cpuMs }) => cpuMs);
    return valueRow({
      figure: `CPU per query ${figure} in ${names.toLocaleString('en')} names`,
      unit: 'ms',
      values: measured.map(({ cpuMs }) => cpuMs),
      details: [`response after ${quantity(median(measured.map(({ ms }) => ms)), 'ms')}`],
    });
  };
  const step = Math.floor(names / (queries.max + 1));
  const rows = [
    await measure('`?contains=`', (index) => `contains=${blockedName(index * step).slice(0, -4)}`),
    await measure(`\`?limit=${LIMIT}&offset=\``, (index) => `limit=${LIMIT}&offset=${index * step}`),
  ];
  await server.stop();
  return rows;
}

const megabytes = (bytes: number) => quantity(bytes / 2 ** 20, 'MB');

/**
 * Functions that parse text from outside, and samples of such text. The `parse…` functions of a collector's file are found automatically
 * (see targets.ts): list one here only if it needs its own captures, a limit or a check.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseQueryString } from 'node:querystring';
import { KEY_VARIABLE, readEnvFile, withVariable } from '../../src/access/env-file.js';
import { keyProblem } from '../../src/access/key-format.js';
import { createKeyCheck, validKey } from '../../src/access/keys.js';
import { parseDdclient } from '../../src/collectors/ddns/ddclient.js';
import { readStatements } from '../../src/collectors/ddns/statements.js';
import { parseDhcpcd } from '../../src/collectors/dns-dhcp/dhcpcd.js';
import { parseLog } from '../../src/collectors/dns-dhcp/dnslog.js';
import { parseServers, parseStaticLeases } from '../../src/collectors/dns-dhcp/dnsmasq.js';
import { parseLeases } from '../../src/collectors/dns-dhcp/leases.js';
import { parseResolv } from '../../src/collectors/dns-dhcp/resolv.js';
import { parseRules } from '../../src/collectors/firewall/firewall.js';
import { parseForwarding, parsePortNumber } from '../../src/collectors/network/bridges.js';
import { parseIpv6Route, parseRoute } from '../../src/collectors/network/interfaces.js';
import { isUp, parseDeviceType, parseOperstate, parseSpeed, parseTunFlags } from '../../src/collectors/network/link.js';
import { parseArp, parseNeigh, parseNeighLine } from '../../src/collectors/network/neighbours.js';
import { parseNumber } from '../../src/collectors/network/traffic.js';
import { boardName } from '../../src/collectors/system/board.js';
import { parseCpuList, parsePrettyName, parseRaspapVersion, parseRevision } from '../../src/collectors/system/machine-identity.js';
import { meminfoFamilies } from '../../src/collectors/system/memory.js';
import { parseIni } from '../../src/collectors/system/raspap.js';
import { chooseZone, parseCelsius } from '../../src/collectors/system/thermal.js';
import { formatDate, parseTzif } from '../../src/collectors/system/timezone.js';
import { textLines } from '../../src/collectors/vpn/config-folder.js';
import { parseHostapdConf } from '../../src/collectors/wifi/hostapdconf.js';
import { parseIwDev } from '../../src/collectors/wifi/iw.js';
import { parseStationDump } from '../../src/collectors/wifi/station-dump.js';
import { parseCommandLine } from '../../src/config/command-line.js';
import { readConfig } from '../../src/config/read.js';
import { cronProblem } from '../../src/config/validate.js';
import { documents } from '../../src/documents/index.js';
import { createTicker } from '../../src/engine/cron.js';
import { createHistory } from '../../src/engine/history.js';
import { parseStationEvent } from '../../src/engine/wifi-events.js';
import { quote, UsageError } from '../../src/errors.js';
import { acceptsGzip } from '../../src/http/responses/negotiation.js';
import { HttpProblem } from '../../src/http/responses/problem.js';
import { chosenSeries, historyQuery } from '../../src/http/routes/history.js';
import { preferredFormat } from '../../src/http/routes/metrics.js';
import { parseQuery, QueryError } from '../../src/model/query.js';
import { eachDomain, eachHostname, parseDomains, parseHostnames } from '../../src/parse/blocklist.js';
import { pageOfList } from '../../src/parse/blocklist-page.js';
import { parseDhcpRanges } from '../../src/parse/dhcp-range.js';
import { optionValues, parseOptions } from '../../src/parse/dnsmasq-options.js';
import { parseMac } from '../../src/parse/mac.js';
import { searchClients } from '../../web/client-order.js';
import { createEventParser, type StreamEvent } from '../../web/event-stream.js';
import type { Client } from '../../web/model.js';

export interface Parser {
  parse(text: string): unknown;
  /** Paths of captures in the fixtures. */
  readonly captures?: RegExp;
  /** Additional texts to start from. */
  readonly texts?: readonly string[];
  /** Expected errors besides SourceError. */
  refuses?(error: Error): boolean;
  /** Maximum characters. The caller rejects longer text. */
  readonly most?: number;
  /** Checks what else must hold for a value. */
  check?(value: unknown, text: string): void;
}

const source = '/etc/dnsmasq.d/090_wlan0.conf';
const bytes = (text: string) => Buffer.from(text, 'latin1');
const isOf =
  (...classes: readonly (new (...args: never[]) => Error)[]) =>
  (error: Error) =>
    classes.some((one) => error instanceof one);

/** Maximum bytes of a header. Node rejects a request with more. */
const MAX_HEADER = 16 << 10;
/** Maximum bytes of an argument or variable, execve(2). */
const MAX_ARGUMENT = 128 << 10;

const list = (json: Uint8Array) => JSON.parse(Buffer.from(json).toString()) as unknown;

/** A list of blocked names, in two pieces that end anywhere. */
function inPieces(parse: typeof parseDomains, text: string): unknown {
  const all = bytes(text);
  const half = all.length >> 1;
  const pieces = [all.subarray(0, half), all.subarray(half)];
  const json = parse(all.length, pieces, 'a list');
  const page = pageOfList(parse === parseDomains ? eachDomain : eachHostname, pieces, 'a list', { offset: 0, limit: 10, contains: 'a' });
  assert.ok(page.names.length <= page.amount);
  return list(json);
}

const queries = documents.flatMap((document) => (document.queries ? [document.queries.parameters] : []));

const memory = createHistory();

/** What `/history` makes of a query. */
function historyOf(search: string): unknown {
  const given: NodeJS.Dict<string | string[]> = parseQueryString(search);
  const query = historyQuery(given, 1_795_507_246);
  for (const time of [query.since, query.until]) assert.ok(Number.isFinite(time));
  assert.ok(query.since <= query.until);
  return [query, chosenSeries(memory, given.series).map(([name]) => name)];
}

let scratch: string | undefined;

/** An env file, as it is read. */
function envFile(text: string): unknown {
  if (scratch === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'apsnap-fuzz-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    scratch = join(folder, '.env');
  }
  writeFileSync(scratch, text);
  const read = readEnvFile(scratch) ?? {};
  return { ...read };
}

/** A key is found again in the file it was written to, and nothing else of that is lost. */
function keyIn(text: string): unknown {
  const written = withVariable(text, KEY_VARIABLE, 'k'.repeat(32));
  const lines = text.split('\n').filter((line) => !line.includes(KEY_VARIABLE));
  for (const line of lines) assert.ok(written.includes(line));
  return written.includes(`${KEY_VARIABLE}=${'k'.repeat(32)}`);
}

function headersOf(text: string): IncomingHttpHeaders {
  return { authorization: text, access_token: text.slice(1), 'x-api-key': text.slice(2) };
}

const check = createKeyCheck([validKey('read', '0123456789abcdef')]);

/** Every event that a stream has, in pieces that end anywhere. */
function eventsIn(text: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  const take = createEventParser((event) => events.push(event));
  for (let at = 0; at < text.length; at += 4_001) take(text.slice(at, at + 4_001));
  return events;
}

function schedule(text: string): unknown {
  const problem = cronProblem(text);
  if (problem !== undefined) return problem;
  const ticker = createTicker(new Map([['any', text]]), () => {});
  ticker.stop();
  const intervalMs = ticker.intervalMs('any');
  assert.ok(intervalMs > 0);
  return intervalMs === Number.POSITIVE_INFINITY ? null : intervalMs;
}

const commandLines = [
  'serve --host 127.0.0.1 --port 8081',
  '--port=0 --threads 4 --expose-secrets',
  'snapshot system clients --path.rootfs / --dotenv=/tmp/none',
  '--schedule.cpu */2 * --cors-origin https://example.org --cors-origin http://a:1',
  '--access-log all --metrics.stations off --events.listeners 10 -h -abc --',
];

const KINDS_OF_ACCEPT = [
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'application/openmetrics-text; version="1.0.0"; charset=utf-8',
  'text/html,application/xhtml+xml,*/*;q=0.8',
];

const client = {
  hostname: 'a',
  mac_address: '02:00:00:00:01:00',
  ip_address: null,
  ip_addresses: [],
  interface: 'wlan0',
} as unknown as Client;

export const parsers: Readonly<Record<string, Parser>> = {
  meminfoFamilies: { parse: meminfoFamilies, captures: /^proc\/meminfo$/ },
  parseCelsius: { parse: parseCelsius, captures: /\/temp\d*(?:_input)?$/ },
  chooseZone: { parse: (text) => chooseZone(text.split('\n')), captures: /thermal_zone\d+\/type$/ },
  parseCpuList: { parse: parseCpuList, captures: /cpu\/(?:possible|online)$/ },
  parseRevision: { parse: parseRevision, captures: /^proc\/cpuinfo$/ },
  boardName: { parse: (text) => boardName(text) ?? null, texts: ['a02082', 'c03115', '0002', '902120'] },
  parsePrettyName: { parse: parsePrettyName, captures: /os-release$/ },
  parseRaspapVersion: { parse: parseRaspapVersion, captures: /\.php$/ },
  parseOperstate: { parse: parseOperstate, captures: /operstate$/ },
  parseSpeed: { parse: parseSpeed, captures: /\/speed$/ },
  parseTunFlags: { parse: parseTunFlags, captures: /tun_flags$/ },
  parseDeviceType: { parse: parseDeviceType, captures: /\/uevent$/ },
  isUp: { parse: isUp, captures: /net\/[^/]+\/flags$/ },
  parseNumber: { parse: (text) => parseNumber(text, 'rx_bytes'), captures: /statistics\/\w+$/ },
  parsePortNumber: { parse: parsePortNumber, captures: /port_no$/ },
  parseForwarding: { parse: (text) => parseForwarding(bytes(text)), captures: /brforward$/, most: 256 << 10 },
  parseRoute: { parse: parseRoute, captures: /^proc\/net\/route$/ },
  parseIpv6Route: { parse: parseIpv6Route, captures: /^proc\/net\/ipv6_route$/ },
  parseArp: { parse: parseArp, captures: /^proc\/net\/arp$/ },
  parseNeigh: { parse: parseNeigh, captures: /^cmd\/ip .*neigh show$/ },
  parseMac: { parse: (text) => parseMac(text) ?? null, texts: ['02:00:00:00:01:00', 'AA:BB:CC:DD:EE:FF'] },
  parseIwDev: { parse: parseIwDev, captures: /^cmd\/iw dev$/ },
  parseStationDump: { parse: parseStationDump, captures: /^cmd\/iw dev .*station dump$/ },
  parseNeighLine: { parse: (text) => text.split('\n').map((line) => parseNeighLine(line) ?? null), captures: /^ip-monitor$/ },
  parseStationEvent: {
    parse: (text) => parseStationEvent(text) ?? null,
    texts: ['wlan0: new station 02:00:00:00:01:00', 'wlan0 (phy #0): set interface type access point', 'wlan0: started ap on 2412 MHz'],
  },
  parseLeases: { parse: parseLeases, captures: /\.leases$/ },
  parseResolv: { parse: (text) => parseResolv(text, '/etc/resolv.conf'), captures: /resolv\.conf$/, most: 64 << 10 },
  parseOptions: { parse: parseOptions, captures: /^etc\/dnsmasq/, most: 256 << 10 },
  optionValues: { parse: (text) => optionValues(text, 'server'), captures: /^etc\/dnsmasq/, most: 256 << 10 },
  parseStaticLeases: { parse: parseStaticLeases, captures: /^etc\/dnsmasq/, most: 256 << 10 },
  parseServers: { parse: parseServers, captures: /^etc\/dnsmasq/, most: 256 << 10 },
  parseDhcpRanges: { parse: (text) => parseDhcpRanges(text, source), captures: /^etc\/dnsmasq/, most: 256 << 10 },
  parseDhcpcd: { parse: parseDhcpcd, captures: /dhcpcd\.conf$/, most: 256 << 10 },
  parseHostapdConf: {
    parse: (text) => parseHostapdConf(text, '/etc/hostapd/hostapd.conf'),
    captures: /^etc\/hostapd\/.*\.conf$/,
    most: 256 << 10,
  },
  parseIni: { parse: parseIni, captures: /hostapd\.ini$/, most: 64 << 10 },
  parseDdclient: { parse: parseDdclient, captures: /ddclient\.conf$/, most: 64 << 10 },
  readStatements: { parse: readStatements, captures: /ddclient\.conf$/, most: 64 << 10 },
  parseRules: { parse: (text) => parseRules(text, 'rules'), captures: /iptables_rules\.json$/, most: 256 << 10 },
  textLines: { parse: textLines, captures: /^etc\/(?:openvpn|wireguard)\/.*\.conf$/, most: 256 << 10 },
  parseLog: { parse: (text) => parseLog(Buffer.from(text), false, 1_000, () => true, 'dnsmasq.log'), captures: /dnsmasq.*\.log$/ },
  parseDomains: {
    parse: (text) => inPieces(parseDomains, text),
    captures: /domains?\w*\.txt$|090_adblock\.conf$/,
    texts: ['local=/ads.example/\n'],
  },
  parseHostnames: { parse: (text) => inPieces(parseHostnames, text), captures: /hostnames?\w*\.txt$/, texts: ['0.0.0.0 ads.example\n'] },
  parseTzif: {
    parse(text) {
      const zone = parseTzif(bytes(text));
      for (const seconds of [0, -1, 1_700_000_000, 4e9, -1e10]) assert.equal(typeof formatDate(zone, seconds), 'string');
      return null;
    },
    captures: /localtime$/,
    refuses: (error) => error.message.startsWith('tzif: '),
  },
  quote: { parse: quote, captures: /\.conf$/ },

  parseQuery: {
    parse: (text) => queries.map((parameters) => parseQuery(parameters, text) ?? null),
    texts: ['limit=10&offset=5&contains=ads', 'client=10.3.141.22&limit=10000', 'limit=1&limit=2', 'contains=%61%ff&_=1', 'client=::1'],
    refuses: isOf(QueryError),
    most: MAX_HEADER,
  },
  historyQuery: {
    parse: historyOf,
    texts: [
      'series=cpu_busy_ratio&since=2026-11-23T22:00:00Z&until=1795500557&step=60',
      'since=1&step=1',
      'series=a,b&series=c',
      'until=1e5',
    ],
    refuses: isOf(HttpProblem),
    most: MAX_HEADER,
  },
  cronProblem: {
    parse: schedule,
    texts: [
      '* * * * * *',
      '*/2 * * * * *',
      '0 30 4 1,15 1-6/2 MON-FRI',
      '*/10 * * * * *',
      '0 0 0 29 2 *',
      '5,10,15 0-59 * * jan sun',
      '0 0 0 L * *',
    ],
    most: MAX_ARGUMENT,
  },
  parseCommandLine: {
    parse(text) {
      const { words, flags } = parseCommandLine(text.replaceAll('\0', '').split(' '));
      return { words, flags: [...flags] };
    },
    texts: commandLines,
    refuses: isOf(UsageError),
    most: MAX_ARGUMENT,
  },
  readConfig: {
    parse(text) {
      const environment = Object.fromEntries(
        text
          .replaceAll('\0', '')
          .split('\n')
          .map((line) => line.split(/=(.*)/s, 2) as [string, string])
          .filter(([name]) => name !== '__proto__'),
      );
      return { ...readConfig({ words: [], flags: new Map() }, { APSNAP_DOTENV: '/nowhere/.env', ...environment }), schedules: null };
    },
    texts: [
      'APSNAP_HOST=::1\nAPSNAP_PORT=0\nAPSNAP_THREADS=2\nAPSNAP_SCHEDULE_CPU=*/2 * * * * *\nAPSNAP_CORS_ORIGINS=https://a.example, http://b:1',
      'APSNAP_EXPOSE_SECRETS=1\nAPSNAP_ACCESS_LOG=errors\nAPSNAP_METRICS_STATIONS=off\nAPSNAP_EVENTS_LISTENERS=5\nAPSNAP_ROOTFS=/',
    ],
    refuses: isOf(UsageError),
    most: MAX_ARGUMENT,
  },
  readEnvFile: {
    parse: envFile,
    texts: [
      'RASPAP_API_KEY=abcdef\n',
      '# c\nexport RASPAP_API_KEY = "a b#c"\nAPSNAP_PORT=1\nX=\'multi\nline\'\nY=`q`\n',
      'RASPAP_API_KEY="abc',
    ],
  },
  withVariable: { parse: keyIn, texts: ['RASPAP_API_KEY=old\nAPSNAP_PORT=1\n', '  export RASPAP_API_KEY = x\n#RASPAP_API_KEY=y', ''] },
  keyProblem: {
    parse: (text) => [keyProblem(text, '0.0.0.0') ?? null, keyProblem('0123456789abcdef', text) ?? null],
    texts: ['0123456789abcdef0123', 'insecure', '127.0.0.1', '::1', 'localhost'],
  },
  createKeyCheck: {
    parse: (text) => check(headersOf(text)),
    texts: ['Bearer 0123456789abcdef', 'Basic YTowMTIzNDU2Nzg5YWJjZGVm', 'bearer   x', 'Digest a="b", c=d'],
    most: MAX_HEADER,
    check(checked, text) {
      const decoded = Buffer.from(text.replace(/^\S* +/, ''), 'base64').toString('latin1');
      if ((checked as { access?: string }).access !== undefined) assert.ok(`${text} ${decoded}`.includes('0123456789abcdef'));
    },
  },
  preferredFormat: { parse: preferredFormat, texts: KINDS_OF_ACCEPT, most: MAX_HEADER },
  acceptsGzip: { parse: acceptsGzip, texts: ['gzip, deflate, br', 'gzip;q=0, *;q=0.5', 'identity;q=1, x-gzip;q=0.001'], most: MAX_HEADER },

  createEventParser: {
    parse: eventsIn,
    texts: [
      'event: system\nid: 1795500557123\ndata: {"hostname":"a"}\n\n: still here\n\n',
      'data\ndata: b\nid\n\nretry: 5\r\n\r\ndata:x\n\n',
    ],
  },
  searchClients: { parse: (text) => searchClients([client, client], text).length, texts: ['alice 10.3', '02:00', 'wlan0'], most: 64 << 10 },
};

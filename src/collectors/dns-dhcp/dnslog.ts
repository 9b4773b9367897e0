import { Absent, orUndefined, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, type Infer, object, string } from '../../model/schema.js';
import { optionValues } from '../../parse/dnsmasq-options.js';
import { readDnsmasqFiles } from './dnsmasq-files.js';

const LOG_FILE = '/var/log/dnsmasq.log';
/** Bytes read from the end of the log, until they contain enough lines. The last is the maximum. */
const TAIL_BYTES = [128 << 10, 1 << 20, 16 << 20];
/** Number of entries in a sample. A query may request more. */
const NEWEST = 1_000;

const entry = object({
  timestamp: string('Time of the entry as in the log, which has no year: `Feb  3 10:00:00`.'),
  process: string('Process that wrote the entry: `dnsmasq[123]`.'),
  message: string('Text of the entry.'),
});
export type LogEntry = Infer<typeof entry>;

export const logView = array(entry, 'Log entries, oldest first.');

/** Newest entries of dnsmasq's log. */
export const dnslog = collector({
  name: 'dnslog',
  summary: "Newest entries of dnsmasq's log",
  trigger: 'file-change',
  schedule: '*/2 * * * * *',
  lane: 'quick',
  required: false,
  advice: 'let the service read it: usermod -aG adm USER, and chmod g+r the file if its group may not',
  view: object({ entries: logView }),
  absent: { entries: [] },
  read(machine) {
    return { value: { entries: newestEntries(machine, NEWEST) } };
  },
});

/**
 * Reads the newest entries of the log, whatever its size. Each call reads from the end, so rotation and truncation need no care.
 *
 * @param most maximum entries
 * @param client only entries that name this IP or MAC address
 * @returns entries, oldest first
 * @throws {Absent} if there is no log
 */
export function newestEntries(machine: Machine, most: number, client?: string): LogEntry[] {
  const path = findLog(machine);
  const isWanted = client === undefined ? () => true : naming(client);
  for (const bytes of TAIL_BYTES) {
    const tail = machine.readTail(path, bytes);
    const entries = parseLog(tail.bytes, tail.cut, most, isWanted, path);
    if (entries.length === most || !tail.cut || bytes === TAIL_BYTES.at(-1)) return entries;
  }
  return [];
}

/** Finds the log: the file that the configuration names, else the one that RaspAP configures. */
function findLog(machine: Machine): string {
  const configured = configuredLogs(machine);
  const found = [...configured, LOG_FILE].find((path) => isThere(machine, path));
  if (found === undefined) throw new Absent(`no log: ${[...configured, LOG_FILE].join(', ')}`);
  return found;
}

/** Tells whether a file exists, readable or not: reading it later gives the reason. */
function isThere(machine: Machine, path: string): boolean {
  try {
    machine.readTail(path, 0);
    return true;
  } catch (error) {
    if (error instanceof SourceError) return error.code !== 'not-found';
    throw error;
  }
}

function configuredLogs(machine: Machine): string[] {
  // The dnsmasq collector reports configuration files that can't be read.
  const values = (orUndefined(() => readDnsmasqFiles(machine)) ?? []).flatMap(({ text }) => optionValues(text, 'log-facility'));
  return values.filter((value) => value.startsWith('/')).slice(-1);
}

/** Returns whether a message names an address, and not a longer one that contains it: 10.3.141.2 isn't in 10.3.141.22. */
function naming(client: string): (message: string) => boolean {
  const wanted = client.toLowerCase();
  const isPart = (char: string | undefined) => char !== undefined && /[\da-f.:]/.test(char);
  return (message) => {
    const text = message.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      if (!isPart(text[at - 1]) && !isPart(text[at + wanted.length])) return true;
    }
    return false;
  };
}

const NEWLINE = 0x0a;
/** Minimum length of an entry: a time, a process of one letter, a message of one letter. */
const MIN_LINE_BYTES = 'Feb  3 10:00:00 d: q'.length;

/**
 * Parses lines of dnsmasq's log from the end: the time as in asctime(3) without the year, then the process.
 *
 *     Feb  3 10:00:00 dnsmasq[123]: query[A] example.org from 10.3.141.22
 *     Feb 13 10:00:00 dnsmasq-dhcp[123]: DHCPACK(wlan0) 10.3.141.22 02:00:00:00:01:00 alices-iphone
 *
 * @param cut true if the first line may have lost its start; a last line without its end is always left out
 * @param source name of the log for errors
 * @throws {SourceError} if no line is an entry
 */
export function parseLog(bytes: Buffer, cut: boolean, most: number, isWanted: (message: string) => boolean, source: string): LogEntry[] {
  const entries: LogEntry[] = [];
  let understood = false;
  let lines = 0;
  for (let end = bytes.lastIndexOf(NEWLINE); end >= 0 && entries.length < most; ) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1);
    if (before < 0 && cut) break;
    const length = end - before - 1;
    const parsed = length < MIN_LINE_BYTES ? undefined : parseLine(bytes.toString('utf8', before + 1, end));
    if (length > 0) lines++;
    understood ||= parsed !== undefined;
    if (parsed && isWanted(parsed.message)) entries.push(parsed);
    end = before;
  }
  if (lines > 0 && !understood) throw new SourceError('malformed', `${source}: no line in it is like "Feb  3 10:00:00 dnsmasq[123]: …"`);
  return entries.reverse();
}

function parseLine(line: string): LogEntry | undefined {
  const match = /^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ([^\s:]{1,64}): (.*)$/.exec(line.trimEnd());
  if (!match) return undefined;
  const [, timestamp = '', process = '', message = ''] = match;
  return { timestamp, process, message };
}

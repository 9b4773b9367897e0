import { Absent, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { array, type Infer, object, string } from '../../model/schema.js';
import { optionValues, readDnsmasqFiles } from '../../parse/dnsmasq.js';

const LOG_FILE = '/var/log/dnsmasq.log';
/** How much is read of the end of the log until there are lines enough; the last is all that is ever read. */
const TAIL_BYTES = [128 << 10, 1 << 20, 16 << 20];
/** What a sample has. A query may ask for more. */
const NEWEST = 1_000;

const entry = object({
  timestamp: string('As in the log, which has no year: `Feb  3 10:00:00`'),
  process: string('Who wrote it: `dnsmasq[123]`'),
  message: string('What it says'),
});
export type LogEntry = Infer<typeof entry>;

export const logView = array(entry, 'The oldest first');

/** The end of dnsmasq's log. */
export const dnslog = collector({
  name: 'dnslog',
  summary: "The end of dnsmasq's log",
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
 * The newest entries of the log, however long that is. Reading from its end each time, there is nothing to be followed: a
 * log that was rotated or truncated is a shorter one.
 *
 * @param most how many at most
 * @param client only entries that name this IP or MAC address
 * @returns the oldest first
 * @throws Absent there is no log
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

/** The file that the configuration names, if it can be found, else the one that RaspAP's does. */
function findLog(machine: Machine): string {
  const configured = configuredLogs(machine);
  const found = [...configured, LOG_FILE].find((path) => isThere(machine, path));
  if (found === undefined) throw new Absent(`no log: ${[...configured, LOG_FILE].join(', ')}`);
  return found;
}

/** Also where it may not be read: then reading it says why. */
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
  try {
    const values = readDnsmasqFiles(machine).flatMap(({ text }) => optionValues(text, 'log-facility'));
    return values.filter((value) => value.startsWith('/')).slice(-1);
  } catch (error) {
    if (error instanceof SourceError) return []; // that is the matter of collector dnsmasq
    throw error;
  }
}

/** Whether a message names an address, and not one that merely starts with it: 10.3.141.2 is not in 10.3.141.22. */
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
/** What is shorter is no entry: a time, a process of one letter, a message of one. */
const LEAST_LINE_BYTES = 'Feb  3 10:00:00 d: q'.length;

/**
 * Lines of dnsmasq's log, from the end: the time as asctime(3) has it without the year, then who wrote it.
 *
 *     Feb  3 10:00:00 dnsmasq[123]: query[A] example.org from 10.3.141.22
 *     Feb 13 10:00:00 dnsmasq-dhcp[123]: DHCPACK(wlan0) 10.3.141.22 02:00:00:00:01:00 alices-iphone
 *
 * @param cut whether the first line may have lost its start; a last line without its end is left out always
 * @param source named in an error
 * @throws SourceError it is no log: nothing in it is such a line
 */
export function parseLog(bytes: Buffer, cut: boolean, most: number, isWanted: (message: string) => boolean, source: string): LogEntry[] {
  const entries: LogEntry[] = [];
  let understood = false;
  let lines = 0;
  for (let end = bytes.lastIndexOf(NEWLINE); end >= 0 && entries.length < most; ) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1);
    if (before < 0 && cut) break;
    const length = end - before - 1;
    const parsed = length < LEAST_LINE_BYTES ? undefined : parseLine(bytes.toString('utf8', before + 1, end));
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

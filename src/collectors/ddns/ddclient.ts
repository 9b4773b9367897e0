import { Absent, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { array, object, secret, string } from '../../model/schema.js';
import { readStatements, type Statement } from './statements.js';

const FILE = '/etc/ddclient.conf';
/** Maximum size of the file. */
const MAX_BYTES = 64 << 10;
/** Each definition inherits the values of earlier lines, so both the number of definitions and the length of a value are limited. */
const MAX_DEFINITIONS = 1_000;
const MAX_VALUE_CHARS = 1_024;

interface Definition {
  use: string;
  method: string;
  protocol: string;
  server: string;
  login: string;
  password: string | null;
  domain: string;
}

const definition = {
  use: string(
    'Way to find the public address: `web`, `if`, `cmd`, `fw`, `ip` or a router model. `usev4`, then `usev6`, take precedence over `use`.',
  ),
  method: string('Value of the option that `use` names, such as a URL or an interface. For a router model, the value of `fw`.'),
  protocol: string('Protocol of the dynamic DNS service.'),
  server: string('Server of the dynamic DNS service. Empty if it is the default of the protocol.'),
  login: string('User name at the dynamic DNS service.'),
  password: secret(string('Password at the dynamic DNS service.')),
  domain: string('Host names to update, separated by commas.'),
};

/** Host names that ddclient keeps up to date. */
export const ddclient = collector({
  name: 'ddclient',
  summary: 'Dynamic DNS: configuration of ddclient',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  advice: `ddclient removes all permissions except the owner's: run chown USER ${FILE} (root can still read it), or run the service as root`,
  view: object({
    ...definition,
    hosts: array(object(definition), 'All definitions in the file. The fields next to this list describe the first one.'),
  }),
  absent: { ...describe(new Map(), []), hosts: [] },
  read(machine) {
    const text = machine.readTextIfThere(FILE, MAX_BYTES);
    if (text === undefined) throw new Absent(`no ${FILE}`);
    return { value: parseDdclient(text) };
  },
});

/** Options that name a place of the address, also with the suffix v4 or v6. */
const PLACES = new Set(['web', 'if', 'cmd', 'fw', 'ip'].flatMap((name) => [name, `${name}v4`, `${name}v6`]));
const KNOWN = new Set([...PLACES, 'use', 'usev4', 'usev6', 'protocol', 'server', 'login', 'password']);

/**
 * Parses /etc/ddclient.conf, as RaspAP writes it. Options without a host apply to all hosts below them; see
 * https://github.com/ddclient/ddclient/blob/main/ddclient.conf.in
 *
 *     daemon=300
 *     syslog=yes
 *     protocol=dyndns2
 *     use=web
 *     web=https://api.ipify.org
 *     server=members.dyndns.org
 *     login=me
 *     password='secret'
 *     my.example.org
 *
 * Errors name a line and don't quote it, as it may contain a password.
 *
 * @returns values as written, "" if not set; without hosts, the options that would apply to one
 */
export function parseDdclient(text: string): Definition & { hosts: Definition[] } {
  // ddclient removes it, which joins two values: the second may be a password.
  const torn = text.split('\n').findIndex((line) => line.trimEnd().includes('\r'));
  if (torn >= 0) throw malformed(`line ${torn + 1} contains a carriage return`);
  const globals = new Map<string, string>();
  const hosts: Definition[] = [];
  for (const statement of readStatements(text)) {
    const options = knownOptions(statement);
    if (statement.words.length === 0 && !statement.options.has('host')) {
      for (const [name, value] of options) globals.set(name, value);
      continue;
    }
    const names = hostNames(statement);
    if (names.length === 0) continue;
    const [, login, password] = statement.words;
    const settings = new Map([...globals, ...options]);
    if (login !== undefined) settings.set('login', login);
    if (password !== undefined) settings.set('password', password);
    if (hosts.length === MAX_DEFINITIONS)
      throw malformed(`line ${statement.line} is the definition of hosts after the ${MAX_DEFINITIONS}th`);
    hosts.push(describe(settings, names));
  }
  return { ...(hosts[0] ?? describe(globals, [])), hosts };
}

function malformed(what: string): SourceError {
  return new SourceError('malformed', `${FILE}: ${what}`);
}

function knownOptions({ line, options }: Statement): [string, string][] {
  const known = [...options].filter(([name]) => KNOWN.has(name));
  const long = known.find(([, value]) => value.length > MAX_VALUE_CHARS);
  if (long) throw malformed(`line ${line}: ${long[0]} has more than ${MAX_VALUE_CHARS} characters`);
  return known;
}

/** Returns host names of a statement. ddclient accepts any word; one that can't be a name is a mistake, and may be a password. */
function hostNames({ line, options, words }: Statement): string[] {
  const names = [words[0] ?? '', options.get('host') ?? ''].flatMap((list) => list.split(/[, ]/)).filter(Boolean);
  if (words.includes('=')) throw malformed(`line ${line} has blanks around =`);
  if (!names.every((name) => isHostName(name))) throw malformed(`line ${line} is neither options nor host names`);
  return names;
}

/** Tells whether a word can be a host name. `password` without `=` isn't one: the word after it would be shown as the login. */
function isHostName(word: string): boolean {
  return /^[\p{L}\p{N}_.*@-]+$/u.test(word) && word.toLowerCase() !== 'password';
}

function describe(settings: ReadonlyMap<string, string>, names: readonly string[]): Definition {
  const of = (name: string) => settings.get(name) ?? '';
  const { use, family } = strategy(of);
  return {
    use,
    method: isDisabled(use) ? '' : method(use.toLowerCase(), family, of),
    protocol: of('protocol'),
    server: of('server'),
    login: of('login'),
    password: of('password'),
    domain: names.join(','),
  };
}

/** Returns the strategy in force. ddclient ignores `use` if there is one for an address family. */
function strategy(of: (name: string) => string): { use: string; family: string } {
  const family = ['v4', 'v6'].find((one) => !isDisabled(of(`use${one}`))) ?? '';
  return { use: of(`use${family}`), family };
}

function isDisabled(use: string): boolean {
  return ['', 'no', 'disabled'].includes(use.toLowerCase());
}

function method(use: string, family: string, of: (name: string) => string): string {
  const option = PLACES.has(use) ? use : 'fw';
  return of(`${option}${family}`) || of(option);
}

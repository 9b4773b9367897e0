import { Absent, SourceError } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { anything } from '../../model/schema.js';

/** Known paths. The first that exists is read. */
const FILES = ['/etc/raspap/networking/firewall/iptables_rules.json', '/etc/raspap/networking/iptables_rules.json'];
/** Maximum size. RaspAP's own file has 10 KB. */
const MAX_BYTES = 256 << 10;
/** Maximum nesting. RaspAP's own file nests 5 deep, and JSON parsers of clients have limits. */
const MAX_DEPTH = 64;

/** Rules of RaspAP's firewall. */
export const firewall = collector({
  name: 'firewall',
  summary: "Rules of RaspAP's firewall",
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: anything("Content of RaspAP's iptables_rules.json. An empty object if there is no such file."),
  absent: {},
  read(machine) {
    for (const path of FILES) {
      const text = machine.readTextIfThere(path, MAX_BYTES);
      if (text !== undefined) return { value: parseRules(text, path) };
    }
    throw new Absent(`no ${FILES.join(', ')}`);
  },
});

/**
 * Parses RaspAP's iptables_rules.json: an object of any form.
 *
 *     {
 *         "info": "IPTABLES rules. $...$ expressions will be replaces automatically ($INTERFACE$, $PORT$, $IPADDRESS$)",
 *         "rules_v4_file": "/etc/iptables/rules.v4",
 *         "order": [ "pre_rules", "restriction_rules", "main_rules", "exception_rules" ],
 *         "pre_rules": [
 *             { "name": "loopback", "fw-state": true, "rules": [ "-A INPUT -i lo -j ACCEPT" ] }
 *         ]
 *     }
 *
 * @param source path for errors, which name a line and quote nothing: the file contains addresses
 * @returns the object, with its keys in the file's order, without `__proto__`, which some clients treat as more than a name
 */
export function parseRules(text: string, source: string): unknown {
  const malformed = (what: string) => new SourceError('malformed', `${source}: ${what}`);
  let rules: unknown;
  try {
    rules = JSON.parse(text);
  } catch {
    // The messages of JSON.parse quote the text.
    throw malformed(`is not valid JSON; check it with: jq . ${source}`);
  }
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules)) throw malformed('is JSON, expected an object');
  return copyOf(rules, 0, malformed);
}

/** Copies JSON without `__proto__`. @throws what `malformed` returns if it nests too deep */
function copyOf(value: unknown, depth: number, malformed: (what: string) => SourceError): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) throw malformed(`nests deeper than ${MAX_DEPTH}`);
  const copy = (held: unknown) => copyOf(held, depth + 1, malformed);
  if (Array.isArray(value)) return value.map(copy);
  const entries = Object.entries(value).filter(([name]) => name !== '__proto__');
  return Object.fromEntries(entries.map(([name, held]) => [name, copy(held)]));
}

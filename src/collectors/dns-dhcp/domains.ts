import { absentIf } from '../../errors.js';
import { collector, encoded } from '../../model/collector.js';
import { array, type Infer, integer, object, string } from '../../model/schema.js';
import { blockedNames, MAX_LIST_BYTES, parseDomains } from '../../parse/blocklist.js';

export const DOMAINS_FILE = '/etc/raspap/adblock/domains.txt';

const view = object({
  domains: array(string('Domain name. dnsmasq also blocks all names below it.'), 'Blocked domains, in the order of the file.'),
  amount: integer('Number of blocked domains. A query with `contains` counts the names that match.'),
});

/** The domains that RaspAP's ad blocking has dnsmasq block. */
export const domains = collector({
  name: 'domains',
  summary: 'Domains that dnsmasq blocks',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'heavy',
  required: false,
  view,
  absent: { domains: [], amount: 0 },
  read(machine) {
    const list = absentIf('not-found', () =>
      machine.readInPieces(DOMAINS_FILE, MAX_LIST_BYTES, (size, pieces) => parseDomains(size, pieces, DOMAINS_FILE)),
    );
    return { value: encoded<Infer<typeof view>>(list), metrics: () => [blockedNames('domains', list)] };
  },
});

import { absentIf } from '../../errors.js';
import { collector, encoded } from '../../model/collector.js';
import { array, type Infer, integer, object, string } from '../../model/schema.js';
import { blockedNames, parseDomains } from '../../parse/blocklist.js';

const FILE = '/etc/raspap/adblock/domains.txt';
/** The largest lists there are have a million lines, of 30 bytes. */
const MAX_BYTES = 128 << 20;

const view = object({
  domains: array(string('Domain, with all names below it'), 'In the order of the file'),
  amount: integer('How many there are'),
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
    const list = absentIf('not-found', () => machine.readInPieces(FILE, MAX_BYTES, (size, pieces) => parseDomains(size, pieces, FILE)));
    return { value: encoded<Infer<typeof view>>(list), metrics: () => [blockedNames('domains', list)] };
  },
});

import { absentIf } from '../../errors.js';
import { collector, encoded } from '../../model/collector.js';
import { array, type Infer, integer, object, string } from '../../model/schema.js';
import { blockedNames, MAX_LIST_BYTES, parseHostnames } from '../../parse/blocklist.js';

export const HOSTNAMES_FILE = '/etc/raspap/adblock/hostnames.txt';

const view = object({
  hostnames: array(string('Host name.'), 'Blocked host names, in the order of the file.'),
  amount: integer('Number of blocked host names. A query with `contains` counts the names that match.'),
});

/** The host names that RaspAP's ad blocking has dnsmasq block. */
export const hostnames = collector({
  name: 'hostnames',
  summary: 'Host names that dnsmasq blocks',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'heavy',
  required: false,
  view,
  absent: { hostnames: [], amount: 0 },
  read(machine) {
    const list = absentIf('not-found', () =>
      machine.readInPieces(HOSTNAMES_FILE, MAX_LIST_BYTES, (size, pieces) => parseHostnames(size, pieces, HOSTNAMES_FILE)),
    );
    return { value: encoded<Infer<typeof view>>(list), metrics: () => [blockedNames('hostnames', list)] };
  },
});

import type { Values } from '../../collectors/index.js';
import { array, object, string } from '../../model/schema.js';
import { document } from '../define.js';

/** Who answers names that dnsmasq does not know. */
export const dnsUpstream = document({
  name: 'dns/upstream',
  summary: 'Upstream name servers of dnsmasq',
  required: ['dnsmasq', 'resolv'],
  view: object({
    upstream_nameserver: string('Their addresses, one a line; empty: none is known'),
    servers: array(string('Address'), 'The same as a list'),
  }),
  compose({ dnsmasq, resolv }) {
    const servers = [...new Set(findServers(dnsmasq, resolv))];
    return { upstream_nameserver: servers.join('\n'), servers };
  },
});

/** The first of the places that has any: resolvconf's file is the one that RaspAP's RestAPI reads. */
function findServers(dnsmasq: Values['dnsmasq'], { files }: Values['resolv']): string[] {
  if (dnsmasq.noResolv) return dnsmasq.servers;
  const inFile = (path: string) => files.find(({ file }) => file === path)?.nameServers ?? [];
  const resolvconf = inFile('/run/dnsmasq/resolv.conf');
  if (resolvconf.length > 0) return resolvconf;
  if (dnsmasq.servers.length > 0) return dnsmasq.servers;
  if (dnsmasq.files.length === 0) return [];
  // A loopback address in there is dnsmasq itself.
  return inFile(dnsmasq.resolvFile ?? '/etc/resolv.conf').filter((address) => !/^127\.|^::1$/.test(address));
}

import type { Values } from '../../collectors/index.js';
import { array, object, string } from '../../model/schema.js';
import { document } from '../define.js';

/** Name servers that dnsmasq asks for names it doesn't know. */
export const dnsUpstream = document({
  name: 'dns/upstream',
  summary: 'Upstream name servers of dnsmasq',
  required: ['dnsmasq', 'resolv'],
  view: object({
    upstream_nameserver: string('Addresses of the name servers, one per line. Empty if none is known.'),
    servers: array(string('Address of a name server.'), 'Addresses of the name servers.'),
  }),
  compose({ dnsmasq, resolv }) {
    const servers = [...new Set(findServers(dnsmasq, resolv))];
    return { upstream_nameserver: servers.join('\n'), servers };
  },
});

/** Returns the servers of the first place that has any. RaspAP's RestAPI reads only the file of resolvconf. */
function findServers(dnsmasq: Values['dnsmasq'], { files }: Values['resolv']): string[] {
  if (dnsmasq.noResolv) return dnsmasq.servers;
  const inFile = (path: string) => files.find(({ file }) => file === path)?.nameServers ?? [];
  const resolvconf = inFile('/run/dnsmasq/resolv.conf');
  if (resolvconf.length > 0) return resolvconf;
  if (dnsmasq.servers.length > 0) return dnsmasq.servers;
  if (dnsmasq.files.length === 0) return [];
  // A loopback address in this file is dnsmasq itself.
  return inFile(dnsmasq.resolvFile ?? '/etc/resolv.conf').filter((address) => !/^127\.|^::1$/.test(address));
}

/** The list of collectors: adding one is one line here. */
import type { Collector } from '../collector.js';
import type { Infer } from '../schema.js';
import { addresses } from './addresses.js';
import { bridges } from './bridges.js';
import { clock } from './clock.js';
import { cpu } from './cpu.js';
import { ddclient } from './ddclient.js';
import { dhcpcd } from './dhcpcd.js';
import { disk } from './disk.js';
import { dnslog } from './dnslog.js';
import { dnsmasq } from './dnsmasq.js';
import { domains } from './domains.js';
import { firewall } from './firewall.js';
import { host } from './host.js';
import { hostapd } from './hostapd.js';
import { hostapdconf } from './hostapdconf.js';
import { hostnames } from './hostnames.js';
import { hwmon } from './hwmon.js';
import { interfaces } from './interfaces.js';
import { leases } from './leases.js';
import { load } from './load.js';
import { memory } from './memory.js';
import { neighbours } from './neighbours.js';
import { openvpn } from './openvpn.js';
import { power } from './power.js';
import { raspap } from './raspap.js';
import { resolv } from './resolv.js';
import { stations } from './stations.js';
import { thermal } from './thermal.js';
import { traffic } from './traffic.js';
import { wireguard } from './wireguard.js';

const list = [
  clock,
  load,
  cpu,
  memory,
  disk,
  thermal,
  hwmon,
  power,
  host,
  hostapd,
  hostapdconf,
  raspap,
  interfaces,
  addresses,
  traffic,
  bridges,
  dnsmasq,
  dhcpcd,
  resolv,
  stations,
  leases,
  neighbours,
  domains,
  hostnames,
  dnslog,
  ddclient,
  firewall,
  openvpn,
  wireguard,
] as const;

type Listed = (typeof list)[number];
export type CollectorName = Listed['name'];
/** The value of each collector, by its name. */
export type Values = { readonly [C in Listed as C['name']]: Infer<C['view']> };

/** A collector whose types do not matter any more. */
export type AnyCollector = Collector<unknown, unknown> & { readonly name: CollectorName };

export const collectors = list as unknown as readonly AnyCollector[];

export function collectorByName(name: string): AnyCollector | undefined {
  return collectors.find((collector) => collector.name === name);
}

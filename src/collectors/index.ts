/** Lists the collectors. Adding one takes one line here. */
import type { Collector } from '../model/collector.js';
import type { Infer } from '../model/schema.js';
import { ddclient } from './ddns/ddclient.js';
import { dhcpcd } from './dns-dhcp/dhcpcd.js';
import { dnslog } from './dns-dhcp/dnslog.js';
import { dnsmasq } from './dns-dhcp/dnsmasq.js';
import { domains } from './dns-dhcp/domains.js';
import { hostnames } from './dns-dhcp/hostnames.js';
import { leases } from './dns-dhcp/leases.js';
import { resolv } from './dns-dhcp/resolv.js';
import { firewall } from './firewall/firewall.js';
import { addresses } from './network/addresses.js';
import { bridges } from './network/bridges.js';
import { interfaces } from './network/interfaces.js';
import { neighbours } from './network/neighbours.js';
import { traffic } from './network/traffic.js';
import { clock } from './system/clock.js';
import { cpu } from './system/cpu.js';
import { disk } from './system/disk.js';
import { hwmon } from './system/hwmon.js';
import { load } from './system/load.js';
import { machineIdentity } from './system/machine-identity.js';
import { memory } from './system/memory.js';
import { power } from './system/power.js';
import { raspap } from './system/raspap.js';
import { thermal } from './system/thermal.js';
import { openvpn } from './vpn/openvpn.js';
import { wireguard } from './vpn/wireguard.js';
import { hostapd } from './wifi/hostapd.js';
import { hostapdconf } from './wifi/hostapdconf.js';
import { stations } from './wifi/stations.js';

const list = [
  clock,
  load,
  cpu,
  memory,
  disk,
  thermal,
  hwmon,
  power,
  machineIdentity,
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
/** Each collector's value, by collector name. */
export type Values = { readonly [C in Listed as C['name']]: Infer<C['view']> };

/** A collector without its own types, for code that treats all collectors alike. */
export type AnyCollector = Collector<unknown, unknown> & { readonly name: CollectorName };

export const collectors = list as unknown as readonly AnyCollector[];

export function collectorByName(name: string): AnyCollector | undefined {
  return collectors.find((collector) => collector.name === name);
}

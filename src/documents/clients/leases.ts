/** Leases of clients: which one belongs to a device that is present, and which ones belong to none. */
import type { Lease } from '../../collectors/dns-dhcp/leases.js';

export interface LeaseIndex {
  /** Finds the lease of a MAC address: the one whose address was seen, else the newest. */
  find(mac: string, seenAddresses: readonly string[]): Lease | undefined;
  /** Finds the host name in the lease of an address. IPv6 leases have no MAC address. */
  hostname(seenAddresses: readonly string[]): string | null;
}

export function indexLeases(leases: readonly Lease[]): LeaseIndex {
  const byMac = new Map<string, Lease[]>();
  const byAddress = new Map(leases.map((lease) => [lease.ip_address, lease]));
  for (const lease of leases) {
    if (!lease.mac_address) continue;
    const same = byMac.get(lease.mac_address);
    if (same) same.push(lease);
    else byMac.set(lease.mac_address, [lease]);
  }
  return {
    find(mac, seenAddresses) {
      const candidates = byMac.get(mac) ?? [];
      return candidates.find((lease) => seenAddresses.includes(lease.ip_address)) ?? newest(candidates);
    },
    hostname: (seenAddresses) => seenAddresses.map((address) => byAddress.get(address)?.hostname).find(Boolean) ?? null,
  };
}

/** Finds the lease that expires last. One that never expires wins. */
function newest(leases: readonly Lease[]): Lease | undefined {
  const end = (lease: Lease) => lease.expiry || Number.POSITIVE_INFINITY;
  return leases.reduce<Lease | undefined>((best, lease) => (best && end(best) >= end(lease) ? best : lease), undefined);
}

/** Lists leases of devices that are not active clients, in the file's order. */
export function unusedLeases(
  leases: readonly Lease[],
  active: readonly { readonly mac_address: string | null; readonly ip_addresses: readonly string[] }[],
) {
  const macs = new Set(active.map((row) => row.mac_address));
  const addresses = new Set(active.flatMap((row) => row.ip_addresses));
  return leases
    .filter((lease) => !(lease.mac_address ? macs.has(lease.mac_address) : addresses.has(lease.ip_address)))
    .map(({ expiry, ...rest }) => ({ timestamp: expiry, ...rest }));
}

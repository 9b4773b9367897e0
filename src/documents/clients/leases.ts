/** Leases of clients: which one belongs to a device that is present, and which ones belong to none. */
import type { Lease } from '../../collectors/dns-dhcp/leases.js';

/** Leases by what they are looked up with. */
export interface LeaseIndex {
  readonly byMac: ReadonlyMap<string, readonly Lease[]>;
  readonly macs: ReadonlySet<string>;
  /** The last one of each address. */
  readonly byAddress: ReadonlyMap<string, Lease>;
  /** Each lease as a row of `inactive_clients`, in the file's order. */
  readonly rows: readonly { readonly lease: Lease; readonly row: UnusedLease }[];
}

const indexes = new WeakMap<readonly Lease[], LeaseIndex>();

/** Indexes leases. It does so once for each list, since the file of dnsmasq changes more rarely than stations do. */
export function indexLeases(leases: readonly Lease[]): LeaseIndex {
  let index = indexes.get(leases);
  if (!index) {
    index = makeIndex(leases);
    indexes.set(leases, index);
  }
  return index;
}

function makeIndex(leases: readonly Lease[]): LeaseIndex {
  const byMac = new Map<string, Lease[]>();
  for (const lease of leases) {
    if (!lease.mac_address) continue;
    const same = byMac.get(lease.mac_address);
    if (same) same.push(lease);
    else byMac.set(lease.mac_address, [lease]);
  }
  return {
    byMac,
    macs: new Set(byMac.keys()),
    byAddress: new Map(leases.map((lease) => [lease.ip_address, lease])),
    rows: leases.map((lease) => ({ lease, row: unused(lease) })),
  };
}

/** Finds the lease of a MAC address: the one whose address was seen, else the newest. */
export function findLease({ byMac }: LeaseIndex, mac: string, seenAddresses: readonly string[]): Lease | undefined {
  const candidates = byMac.get(mac);
  if (!candidates || candidates.length === 1) return candidates?.[0];
  return candidates.find((lease) => seenAddresses.includes(lease.ip_address)) ?? newest(candidates);
}

/** Finds the host name in the lease of an address. IPv6 leases have no MAC address. */
export function findHostname({ byAddress }: LeaseIndex, seenAddresses: readonly string[]): string | null {
  for (const address of seenAddresses) {
    const hostname = byAddress.get(address)?.hostname;
    if (hostname) return hostname;
  }
  return null;
}

/** Finds the lease that expires last. One that never expires wins. */
function newest(leases: readonly Lease[]): Lease | undefined {
  const end = (lease: Lease) => lease.expiry || Number.POSITIVE_INFINITY;
  return leases.reduce<Lease | undefined>((best, lease) => (best && end(best) >= end(lease) ? best : lease), undefined);
}

/** A lease of a device that isn't an active client. */
type UnusedLease = ReturnType<typeof unused>;

function unused({ expiry, ...rest }: Lease) {
  return { timestamp: expiry, ...rest };
}

/** Lists leases of devices that are not active clients, in the file's order. */
export function unusedLeases(
  { rows }: LeaseIndex,
  active: readonly { readonly mac_address: string | null; readonly ip_addresses: readonly string[] }[],
): UnusedLease[] {
  if (rows.length === 0) return [];
  const macs = new Set(active.map((row) => row.mac_address));
  let addresses: Set<string> | undefined;
  const isActive = ({ mac_address: mac, ip_address: address }: Lease) => {
    if (mac) return macs.has(mac);
    addresses ??= new Set(active.flatMap((row) => row.ip_addresses));
    return addresses.has(address);
  };
  return rows.filter(({ lease }) => !isActive(lease)).map(({ row }) => row);
}

/** What the server sends. The types of the documents come from its schemas. */
import type { ap } from '../src/documents/ap.js';
import type { clients } from '../src/documents/clients.js';
import type { networking } from '../src/documents/networking.js';
import type { system } from '../src/documents/system.js';
import type { Infer } from '../src/model/schema.js';

export type System = Infer<typeof system.view>;
export type Ap = Infer<typeof ap.view>;
export type Clients = Infer<typeof clients.view>;
export type Client = Clients['active_clients'][number];
export type Networking = Infer<typeof networking.view>;

/** The documents that the dashboard shows. */
export interface Documents {
  readonly system: System;
  readonly ap: Ap;
  readonly clients: Clients;
  readonly networking: Networking;
}
export type DocumentName = keyof Documents;
export const documentNames = ['system', 'ap', 'clients', 'networking'] as const satisfies readonly DocumentName[];

/** State of a document, from the event `states`. */
export interface DocumentState {
  readonly state: 'fresh' | 'stale' | 'absent';
  readonly sampledAt: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly advice: string | null } | null;
}
export type States = Readonly<Partial<Record<string, DocumentState>>>;

/** State of a collector, from the event `collectors`. */
export interface CollectorState {
  readonly name: string;
  readonly summary: string;
  readonly state: 'ok' | 'absent' | 'failing' | 'pending';
  readonly reason: string | null;
  readonly advice: string | null;
  readonly last_success: string | null;
  readonly duration_ms: number;
  readonly interval_seconds: number;
}

/** Returns the name that a client gave, or else its address. */
export function nameOf({ hostname, ip_address, mac_address }: Pick<Client, 'hostname' | 'ip_address' | 'mac_address'>): string {
  return hostname || ip_address || mac_address || 'unnamed';
}

/** Returns one access point per interface. If two files configure the same interface, the file named after it wins. */
export function accessPointsOf({ access_points }: Ap): Ap['access_points'] {
  const chosen = new Map<string, Ap['access_points'][number]>();
  for (const row of access_points) {
    if (!chosen.has(row.interface) || row.file.endsWith(`hostapd-${row.interface}.conf`)) chosen.set(row.interface, row);
  }
  return [...chosen.values()];
}

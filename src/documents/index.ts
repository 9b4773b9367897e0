/** Lists the documents. Adding one takes one line here. */
import type { CollectorName, Values } from '../collectors/index.js';
import type { Document } from '../model/document.js';
import { ap } from './ap.js';
import { clients } from './clients.js';
import { ddns } from './ddns.js';
import { dhcp } from './dhcp.js';
import { blockedDomains } from './dns/domains.js';
import { blockedHostnames } from './dns/hostnames.js';
import { dnsLogs } from './dns/logs.js';
import { dnsUpstream } from './dns/upstream.js';
import { firewall } from './firewall.js';
import { networking } from './networking.js';
import { system } from './system.js';
import { openvpn } from './vpn/openvpn.js';
import { wireguard } from './vpn/wireguard.js';

/** A document without its own types, for code that treats all documents alike. */
// biome-ignore lint/suspicious/noExplicitAny: each document composes parts of its own choice; worker and store only pass them through
export type AnyDocument = Document<Values, CollectorName, any, any, any>;

export const documents: readonly AnyDocument[] = [
  system,
  ap,
  clients,
  dhcp,
  blockedDomains,
  blockedHostnames,
  dnsUpstream,
  dnsLogs,
  ddns,
  firewall,
  networking,
  openvpn,
  wireguard,
];

export function documentByName(name: string): AnyDocument | undefined {
  return documents.find((document) => document.name === name);
}

/** Documents that `/snapshot` and `/events` send unless others are requested: all but the block lists, which may have 30 MB. */
export const DEFAULT_DOCUMENTS: ReadonlySet<string> = new Set(documents.filter(({ verbatim }) => !verbatim).map(({ name }) => name));

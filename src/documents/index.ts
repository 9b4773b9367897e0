/** The list of documents: adding one is one line here. */
import type { CollectorName } from '../collectors/index.js';
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

/** A document whose types do not matter any more. */
// biome-ignore lint/suspicious/noExplicitAny: composing takes parts of the document's own choice; worker and store pass them through
export type AnyDocument = Document<any, CollectorName, any>;

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

/** The list of documents: adding one is one line here. */
import type { CollectorName } from '../collectors/index.js';
import type { Document } from '../document.js';
import { clients } from './clients.js';
import { blockedDomains } from './dns-domains.js';
import { blockedHostnames } from './dns-hostnames.js';
import { dnsLogs } from './dns-logs.js';
import { networking } from './networking.js';
import { system } from './system.js';

/** A document whose types do not matter any more. */
// biome-ignore lint/suspicious/noExplicitAny: composing takes parts of the document's own choice; worker and store pass them through
export type AnyDocument = Document<any, CollectorName, any>;

export const documents: readonly AnyDocument[] = [
  system,
  clients,
  networking,
  blockedDomains,
  blockedHostnames,
  dnsLogs,
];

export function documentByName(name: string): AnyDocument | undefined {
  return documents.find((document) => document.name === name);
}

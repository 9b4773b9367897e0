import { DOMAINS_FILE, domains } from '../../collectors/dns-dhcp/domains.js';
import { eachDomain } from '../../parse/blocklist.js';
import { document } from '../define.js';
import { listQueries } from './lists.js';

export const blockedDomains = document({
  name: 'dns/domains',
  summary: 'Blocked domains',
  required: ['domains'],
  view: domains.view,
  compose: ({ domains }) => domains,
  verbatim: 'domains',
  queries: listQueries('domains', DOMAINS_FILE, eachDomain),
});

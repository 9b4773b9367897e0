import { domains } from '../../collectors/dns-dhcp/domains.js';
import { document } from '../../model/document.js';
import { listQueries } from './lists.js';

export const blockedDomains = document({
  name: 'dns/domains',
  summary: 'Domains that are blocked',
  parts: ['domains'],
  needs: ['domains'],
  view: domains.view,
  compose({ domains }) {
    if (!domains) throw new Error('dns/domains: composed without what it needs');
    return domains;
  },
  verbatim: 'domains',
  queries: listQueries('domains'),
});

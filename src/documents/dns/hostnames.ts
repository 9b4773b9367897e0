import { hostnames } from '../../collectors/dns-dhcp/hostnames.js';
import { document } from '../../model/document.js';
import { listQueries } from './lists.js';

export const blockedHostnames = document({
  name: 'dns/hostnames',
  summary: 'Host names that are blocked',
  parts: ['hostnames'],
  needs: ['hostnames'],
  view: hostnames.view,
  compose({ hostnames }) {
    if (!hostnames) throw new Error('dns/hostnames: composed without what it needs');
    return hostnames;
  },
  verbatim: 'hostnames',
  queries: listQueries('hostnames'),
});

import { HOSTNAMES_FILE, hostnames } from '../../collectors/dns-dhcp/hostnames.js';
import { eachHostname } from '../../parse/blocklist.js';
import { document } from '../define.js';
import { listQueries } from './lists.js';

export const blockedHostnames = document({
  name: 'dns/hostnames',
  summary: 'Blocked host names',
  required: ['hostnames'],
  view: hostnames.view,
  compose: ({ hostnames }) => hostnames,
  verbatim: 'hostnames',
  queries: listQueries('hostnames', HOSTNAMES_FILE, eachHostname),
});

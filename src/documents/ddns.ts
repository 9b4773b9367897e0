import { ddclient } from '../collectors/ddns/ddclient.js';
import { document } from './define.js';

/** Dynamic DNS. The flat fields are RaspAP's, `hosts` is ours. */
export const ddns = document({
  name: 'ddns',
  summary: 'Dynamic DNS: the host names that ddclient keeps up to date, and how',
  required: ['ddclient'],
  view: ddclient.view,
  compose: ({ ddclient }) => ddclient,
});

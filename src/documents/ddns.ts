import { ddclient } from '../collectors/ddns/ddclient.js';
import { document } from './define.js';

/** Dynamic DNS. The flat fields come from RaspAP's API; `hosts` is an addition. */
export const ddns = document({
  name: 'ddns',
  summary: 'Dynamic DNS: host names that ddclient keeps up to date',
  required: ['ddclient'],
  view: ddclient.view,
  compose: ({ ddclient }) => ddclient,
});

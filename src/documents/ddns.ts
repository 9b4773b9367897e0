import { ddclient } from '../collectors/ddns/ddclient.js';
import { document } from '../model/document.js';

/** Dynamic DNS. The flat fields are RaspAP's, `hosts` is ours. */
export const ddns = document({
  name: 'ddns',
  summary: 'Dynamic DNS: the host names that ddclient keeps up to date, and how',
  parts: ['ddclient'],
  needs: ['ddclient'],
  view: ddclient.view,
  compose({ ddclient }) {
    if (!ddclient) throw new Error('ddns: composed without what it needs');
    return ddclient;
  },
});

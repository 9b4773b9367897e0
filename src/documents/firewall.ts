import { firewall as collected } from '../collectors/firewall/firewall.js';
import { document } from '../model/document.js';

/** The rules of RaspAP's firewall, as RaspAP keeps them. */
export const firewall = document({
  name: 'firewall',
  summary: "Rules of RaspAP's firewall",
  parts: ['firewall'],
  needs: ['firewall'],
  view: collected.view,
  compose({ firewall }) {
    if (firewall === undefined) throw new Error('firewall: composed without what it needs');
    return firewall;
  },
});

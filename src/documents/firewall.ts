import { firewall as collected } from '../collectors/firewall.js';
import { document } from '../document.js';

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

import { firewall as collected } from '../collectors/firewall/firewall.js';
import { document } from './define.js';

/** Rules of RaspAP's firewall, as its file has them. */
export const firewall = document({
  name: 'firewall',
  summary: "Rules of RaspAP's firewall",
  required: ['firewall'],
  view: collected.view,
  compose: ({ firewall }) => firewall,
});

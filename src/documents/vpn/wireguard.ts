import { wireguardNames } from '../../collectors/vpn/wireguard.js';
import { object } from '../../model/schema.js';
import { document } from '../define.js';
import { composeConfigPages, configPages } from './config-pages.js';

/** The configurations of WireGuard: names in the document, contents in its pages. */
export const wireguard = document({
  name: 'wireguard',
  summary: 'Configurations of WireGuard',
  required: ['wireguard'],
  view: object(wireguardNames),
  compose({ wireguard }) {
    const { contents, ...names } = wireguard;
    return names;
  },
  pages: { ...configPages, compose: (_names, { wireguard }) => composeConfigPages(wireguard.contents) },
});

import { openvpnNames } from '../../collectors/vpn/openvpn.js';
import { object } from '../../model/schema.js';
import { document } from '../define.js';
import { composeConfigPages, configPages } from './config-pages.js';

/** The client configurations of OpenVPN: names in the document, contents in its pages. */
export const openvpn = document({
  name: 'openvpn',
  summary: 'Client configurations of OpenVPN',
  required: ['openvpn'],
  view: object(openvpnNames),
  compose({ openvpn }) {
    const { contents, ...names } = openvpn;
    return names;
  },
  pages: { ...configPages, compose: (_names, { openvpn }) => composeConfigPages(openvpn.contents) },
});

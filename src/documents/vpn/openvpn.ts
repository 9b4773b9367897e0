import { array, object, string } from '../../model/schema.js';
import { document } from '../define.js';
import { composeConfigPages, configPages } from './config-pages.js';

/** The client configurations of OpenVPN: their names, and in the pages their texts. */
export const openvpn = document({
  name: 'openvpn',
  summary: 'Client configurations of OpenVPN',
  required: ['openvpn'],
  view: object({
    client_configs: string('Regular files in /etc/openvpn/client and below it'),
    client_config_names: array(object({ config: string('Name of the file') }), 'Configurations: files with `_client` in their names'),
    client_config_active: string('The one that is used: where the link client.conf points to; empty if there is no such link'),
    client_login_names: array(object({ login: string('Name of the file') }), 'Files of credentials: those with `_login` in their names'),
    client_login_active: string('The one that is used: where the link login.conf points to; empty if there is no such link'),
  }),
  compose({ openvpn }) {
    const { contents, ...names } = openvpn;
    return names;
  },
  pages: { ...configPages, compose: (_names, { openvpn }) => composeConfigPages(openvpn.contents) },
});

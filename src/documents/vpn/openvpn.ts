import { array, object, string } from '../../model/schema.js';
import { document } from '../define.js';
import { composeConfigPages, configPages } from './config-pages.js';

/** The client configurations of OpenVPN: names in the document, contents in its pages. */
export const openvpn = document({
  name: 'openvpn',
  summary: 'Client configurations of OpenVPN',
  required: ['openvpn'],
  view: object({
    client_configs: string('Number of regular files in /etc/openvpn/client and its subfolders.'),
    client_config_names: array(object({ config: string('File name.') }), 'Configurations: files with `_client` in their names.'),
    client_config_active: string('Configuration in use: the target of the link `client.conf`. Empty if there is no such link.'),
    client_login_names: array(object({ login: string('File name.') }), 'Credentials: files with `_login` in their names.'),
    client_login_active: string('Credentials in use: the target of the link `login.conf`. Empty if there is no such link.'),
  }),
  compose({ openvpn }) {
    const { contents, ...names } = openvpn;
    return names;
  },
  pages: { ...configPages, compose: (_names, { openvpn }) => composeConfigPages(openvpn.contents) },
});

import { array, object, string } from '../../model/schema.js';
import { document } from '../define.js';
import { composeConfigPages, configPages } from './config-pages.js';

/** The configurations of WireGuard: names in the document, contents in its pages. */
export const wireguard = document({
  name: 'wireguard',
  summary: 'Configurations of WireGuard',
  required: ['wireguard'],
  view: object({
    client_configs: string('Number of regular files in /etc/wireguard and its subfolders.'),
    client_config_names: array(object({ config: string('File name.') }), 'Configurations: files in /etc/wireguard, except wg0.conf.'),
    client_config_active: string('Configuration in use: the target of the link `wg0.conf`. Empty if there is no such link.'),
  }),
  compose({ wireguard }) {
    const { contents, ...names } = wireguard;
    return names;
  },
  pages: { ...configPages, compose: (_names, { wireguard }) => composeConfigPages(wireguard.contents) },
});

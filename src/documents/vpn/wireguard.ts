import { array, object, string } from '../../model/schema.js';
import { document } from '../define.js';
import { composeConfigPages, configPages } from './config-pages.js';

/** The configurations of WireGuard, as RaspAP names them, and in the pages their texts. */
export const wireguard = document({
  name: 'wireguard',
  summary: 'Configurations of WireGuard',
  required: ['wireguard'],
  view: object({
    client_configs: string('Regular files in /etc/wireguard and below it'),
    client_config_names: array(object({ config: string('Name of the file') }), 'Files in the folder, without wg0.conf'),
    client_config_active: string('The one that is used: where the link wg0.conf points to; empty if there is no such link'),
  }),
  compose({ wireguard }) {
    const { contents, ...names } = wireguard;
    return names;
  },
  pages: { ...configPages, compose: (_names, { wireguard }) => composeConfigPages(wireguard.contents) },
});

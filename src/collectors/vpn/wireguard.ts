import { collector } from '../../model/collector.js';
import { array, object, string } from '../../model/schema.js';
import { contentsView, readConfigFolder, readContents } from './config-folder.js';

const FOLDER = '/etc/wireguard';
const ACTIVE = 'wg0.conf';

/** Names of the configurations, in the fields of `/wireguard`. */
export const wireguardNames = {
  client_configs: string('Number of regular files in /etc/wireguard and its subfolders.'),
  client_config_names: array(object({ config: string('File name.') }), 'Configurations: files in /etc/wireguard, except wg0.conf.'),
  client_config_active: string('Configuration in use: the target of the link `wg0.conf`. Empty if there is no such link.'),
};

/** Configurations of WireGuard. */
export const wireguard = collector({
  name: 'wireguard',
  summary: 'Configurations of WireGuard',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  advice: `setfacl -m u:USER:rx ${FOLDER} lets USER list the names and nothing else; or run the service as root`,
  view: object({
    ...wireguardNames,
    contents: contentsView,
  }),
  absent: { client_configs: '0', client_config_names: [], client_config_active: '', contents: [] },
  read(machine, { exposeSecrets }) {
    const { fileCount, names, target } = readConfigFolder(machine, FOLDER);
    return {
      value: {
        client_configs: String(fileCount),
        client_config_names: names.filter((name) => name !== ACTIVE).map((config) => ({ config })),
        client_config_active: target(ACTIVE),
        contents: readContents(machine, FOLDER, names, exposeSecrets),
      },
    };
  },
});

import { collector } from '../../model/collector.js';
import { array, object, string } from '../../model/schema.js';
import { contentsView, readConfigFolder, readContents } from './config-folder.js';

const FOLDER = '/etc/wireguard';
const ACTIVE = 'wg0.conf';

/** The configurations of WireGuard. */
export const wireguard = collector({
  name: 'wireguard',
  summary: 'Configurations of WireGuard',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  advice: `setfacl -m u:USER:rx ${FOLDER} lets USER list the names and read nothing in the files; or run the service as root`,
  view: object({
    client_configs: string('Regular files in the folder and below it'),
    client_config_names: array(object({ config: string('Name of the file') }), 'Files in the folder, without wg0.conf'),
    client_config_active: string('The one that is used: where the link wg0.conf points to; empty if there is no such link'),
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

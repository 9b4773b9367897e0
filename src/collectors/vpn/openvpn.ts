import { collector } from '../../model/collector.js';
import { array, object, string } from '../../model/schema.js';
import { contentsView, readConfigFolder, readContents } from './config-folder.js';

const FOLDER = '/etc/openvpn/client';

/** Names of the configurations, in the fields of `/openvpn`. */
export const openvpnNames = {
  client_configs: string('Number of regular files in /etc/openvpn/client and its subfolders.'),
  client_config_names: array(object({ config: string('File name.') }), 'Configurations: files with `_client` in their names.'),
  client_config_active: string('Configuration in use: the target of the link `client.conf`. Empty if there is no such link.'),
  client_login_names: array(object({ login: string('File name.') }), 'Credentials: files with `_login` in their names.'),
  client_login_active: string('Credentials in use: the target of the link `login.conf`. Empty if there is no such link.'),
};

/** Client configurations of OpenVPN. */
export const openvpn = collector({
  name: 'openvpn',
  summary: 'Client configurations of OpenVPN',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  advice: `setfacl -m u:USER:rx ${FOLDER} lets USER list the names and nothing else; or run the service as root`,
  view: object({
    ...openvpnNames,
    contents: contentsView,
  }),
  absent: {
    client_configs: '0',
    client_config_names: [],
    client_config_active: '',
    client_login_names: [],
    client_login_active: '',
    contents: [],
  },
  read(machine, { exposeSecrets }) {
    const { fileCount, names, target } = readConfigFolder(machine, FOLDER);
    const configs = names.filter((name) => name.includes('_client'));
    const logins = names.filter((name) => name.includes('_login'));
    return {
      value: {
        client_configs: String(fileCount),
        client_config_names: configs.map((config) => ({ config })),
        client_config_active: target('client.conf'),
        client_login_names: logins.map((login) => ({ login })),
        client_login_active: target('login.conf'),
        contents: readContents(machine, FOLDER, configs, exposeSecrets),
      },
    };
  },
});

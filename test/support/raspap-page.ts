/**
 * Commands that RaspAP's page "RestAPI" runs: includes/restapi.php and src/RaspAP/DotEnv/DotEnv.php of
 * https://github.com/RaspAP/raspap-webgui, as shell commands. PHP's exec() passes each line to /bin/sh as the web server's user.
 */

/** The page shows the service as running if this prints anything. It ignores the first line, and shows the others above the status. */
export const IS_UP = 'ps aux | grep -v grep | grep uvicorn';
export const STATUS = 'sudo systemctl status restapi.service';
export const START = 'sudo /bin/systemctl start restapi.service';
export const STOP = 'sudo /bin/systemctl stop restapi.service';

/** "Save settings" restarts the service after writing the key. */
export const RESTART = `${STOP}; sleep 1; ${START}`;

/** Returns a command that prints the key as the page shows it: parse_ini_file() of the env file. */
export const showKey = (file: string): string => `sed -n 's/^RASPAP_API_KEY=//p' ${file}`;

/**
 * Returns a command that replaces the first line with a key, or adds one, in a copy that then replaces the file.
 *
 * @param temporary the copy. The page uses /tmp/.env
 * @param mv the command that moves the copy. The page's web server may use sudo
 */
export const saveKey = (file: string, key: string, temporary = '/tmp/.env', mv = 'sudo mv'): string =>
  `if grep -q '^RASPAP_API_KEY=' ${file}; then sed '0,/^RASPAP_API_KEY=.*/s//RASPAP_API_KEY=${key}/' ${file} >${temporary}; ` +
  `else { cat ${file}; echo 'RASPAP_API_KEY=${key}'; } >${temporary}; fi; ${mv} ${temporary} ${file}`;

/** The documentation that the page links to, on its own host name. */
export const DOCS = { port: 8081, path: '/docs' };

/**
 * What RaspAP's page "RestAPI" does to the machine it is on: includes/restapi.php and src/RaspAP/DotEnv/DotEnv.php of
 * https://github.com/RaspAP/raspap-webgui, in a shell's words. PHP's exec() hands each line to /bin/sh, as the web server's user.
 */

/** The service counts as up if this prints anything. The page then takes the first line for its own, and shows the rest above the status. */
export const IS_UP = 'ps aux | grep -v grep | grep uvicorn';
export const STATUS = 'sudo systemctl status restapi.service';
export const START = 'sudo /bin/systemctl start restapi.service';
export const STOP = 'sudo /bin/systemctl stop restapi.service';

/** "Save settings" restarts the service after it has written the key. */
export const RESTART = `${STOP}; sleep 1; ${START}`;

/** @returns prints the key that the page shows: parse_ini_file() of the env file */
export const showKey = (file: string): string => `sed -n 's/^RASPAP_API_KEY=//p' ${file}`;

/**
 * @param temporary the page's own is /tmp/.env
 * @param mv as whom the file is moved; the page's web server may do it by sudo
 * @returns replaces the first line with a key, or adds one, in a copy that takes the file's place
 */
export const saveKey = (file: string, key: string, temporary = '/tmp/.env', mv = 'sudo mv'): string =>
  `if grep -q '^RASPAP_API_KEY=' ${file}; then sed '0,/^RASPAP_API_KEY=.*/s//RASPAP_API_KEY=${key}/' ${file} >${temporary}; ` +
  `else { cat ${file}; echo 'RASPAP_API_KEY=${key}'; } >${temporary}; fi; ${mv} ${temporary} ${file}`;

/** Where the page links to, on the host that it was asked on. */
export const DOCS = { port: 8081, path: '/docs' };

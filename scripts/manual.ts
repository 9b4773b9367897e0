/** The manual page and the completion of shells, of the lists that `--help` is made of. */
import { commandNames, commands, KEY_HELP } from '../src/cli/help.js';
import { options } from '../src/config/read.js';
import { version } from '../src/version.js';

/** Text as roff takes it: man(7). */
const roff = (text: string) => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/gm, '\\&$&');

/** @returns the source of apsnap(8) */
export function manual(): string {
  const entry = (term: string, text: string) => `.TP\n${term}\n${roff(text)}\n`;
  const usage = (words: string) => words.replace(/[A-Z]{2,}/g, '\\fI$&\\fR').replace(/^[a-z]+(?: [a-z]+)?/, '\\fB$&\\fR');
  const flag = (name: string, value: string | undefined) => `\\fB\\-\\-${roff(name)}\\fR${value ? ` \\fI${value}\\fR` : ''}`;
  return `.\\" made of what apsnap --help says
.TH APSNAP 8 "" "apsnap ${version}" "System administration"
.SH NAME
apsnap \\- state of a Linux access point as JSON
.SH SYNOPSIS
.B apsnap
.RI [ COMMAND ]
.RI [ OPTIONS ]
.SH DESCRIPTION
A REST API that tells who is connected to this access point, how the host is, and how its network is configured. Everything is
sampled on a schedule and served from memory. It takes the place of the RestAPI of RaspAP, on port 8081.
.SH COMMANDS
${commands.map(({ usage: words, help }) => entry(usage(words), help)).join('')}.SH OPTIONS
A flag beats the environment, which beats the env file.
${options.map(({ flag: name, value, variable, help }) => entry(`${flag(name, value)}, ${roff(variable)}`, help)).join('')}.SH FILES
${entry('/etc/raspap/api/.env, /etc/apsnap/.env', 'The key; the first whose folder exists. It belongs to root. A running service takes another key at once.')}${entry('/etc/default/apsnap', 'Settings of the service, as variables. They count after systemctl restart apsnap.')}.SH NOTES
${roff(KEY_HELP)}
.PP
The service runs as a user of its own, without privileges. systemctl status restapi works too: it is the name that the service
of RaspAP had.
.SH EXIT STATUS
${entry('0', 'done, or ended by a signal')}${entry('1', 'it could not be done')}${entry('2', 'the command line or a setting is wrong')}.SH SEE ALSO
.BR hostapd (8),
.BR dnsmasq (8),
.BR iw (8)
`;
}

/** @returns the completion for bash */
export function completion(): string {
  const actions = commands.flatMap(({ usage }) => /^key ([a-z]+)/.exec(usage)?.[1] ?? []);
  const valued = options.filter(({ value }) => value === 'FILE' || value === 'DIR').map(({ flag }) => `--${flag}`);
  const flags = [...options.map(({ flag }) => `--${flag}`), '--help', '--version'];
  return `# bash completion of apsnap, made of what apsnap --help says
_apsnap() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  case $before in
    key) mapfile -t COMPREPLY < <(compgen -W '${actions.join(' ')}' -- "$word"); return ;;
    ${valued.join('|')}|copy) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  esac
  case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W '${flags.join(' ')}' -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -W '${commandNames.join(' ')}' -- "$word") ;;
  esac
}
complete -F _apsnap apsnap
`;
}

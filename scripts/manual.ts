/** Writes the manual page and the bash completion from the tables of `--help`. */
import { commandNames, commands, describeOption, generalFlags, KEY_HELP, optionsOf } from '../src/cli/help.js';
import { GROUPS, type Option, options, scheduleOptions } from '../src/config/options.js';
import { version } from '../src/version.js';

/** Escapes text for roff: man(7). */
const roff = (text: string) => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/gm, '\\&$&');

const entry = (term: string, text: string) => `.TP\n${term}\n${roff(text)}\n`;
const commandTerm = (usage: string) => usage.replace(/[A-Z]{2,}/g, '\\fI$&\\fR').replace(/^[a-z]+(?: [a-z]+)?/, '\\fB$&\\fR');
const flagTerm = (flag: string, value?: string) => `\\fB\\-\\-${roff(flag)}\\fR${value ? ` \\fI${value}\\fR` : ''}`;
const optionEntry = (option: Option) => entry(`${flagTerm(option.flag, option.value)}, ${roff(option.variable)}`, describeOption(option));

/** Returns the source of apsnap(8). */
export function manual(): string {
  return `.\\" written by scripts/manual.ts
.TH APSNAP 8 "" "apsnap ${version}" "System administration"
.SH NAME
apsnap \\- REST API and dashboard for Linux access points
.SH SYNOPSIS
.B apsnap
.RI [ COMMAND ]
.RI [ OPTIONS ]
.SH DESCRIPTION
apsnap serves the connected clients, the state of the machine and its network configuration as JSON, as Prometheus metrics and on a
dashboard. Collectors sample on a schedule, and every response is served from memory. It replaces the RestAPI of RaspAP on port 8081.
.SH COMMANDS
${commands.map(({ usage, help }) => entry(commandTerm(usage), help)).join('')}.SH OPTIONS
Each option is a flag, or a variable in the environment or in the env file. Flags override the environment, which overrides the env file.
${GROUPS.map((group) => `.SS ${group}\n${optionsOf(group).map(optionEntry).join('')}`).join('')}.SS General
${generalFlags.map(({ usage, help }) => entry(roff(usage).replace(/\\-\S*\w/g, '\\fB$&\\fR'), help)).join('')}.SH FILES
${entry('/etc/raspap/api/.env, /etc/apsnap/.env', 'The key, in the first folder that exists. Only root may read it. A running service picks up a new key within one second.')}${entry('/etc/default/apsnap', 'Settings of the service, as variables. They apply after systemctl restart apsnap.')}.SH NOTES
${roff(KEY_HELP)}
.PP
The service runs as its own user without privileges. systemctl status restapi works too: the unit has the name of the service of RaspAP
as an alias.
.SH EXIT STATUS
${entry('0', 'The command succeeded, or a signal ended the service.')}${entry('1', 'The command failed, or doctor found a failure.')}${entry('2', 'The command line or a setting is wrong.')}.SH SEE ALSO
.BR hostapd (8),
.BR dnsmasq (8),
.BR iw (8)
`;
}

/** Returns the completion for bash. */
export function completion(): string {
  const actions = commands.flatMap(({ usage }) => /^key ([a-z]+)/.exec(usage)?.[1] ?? []);
  const withPath = options.filter(({ value }) => value === 'FILE' || value === 'DIR').map(({ flag }) => `--${flag}`);
  const flags = [...options, ...scheduleOptions].map(({ flag }) => `--${flag}`);
  const general = generalFlags.map(({ usage }) => usage.split(',', 1)[0]);
  return `# bash completion of apsnap, written by scripts/manual.ts
_apsnap() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  case $before in
    key) mapfile -t COMPREPLY < <(compgen -W '${actions.join(' ')}' -- "$word"); return ;;
    help) mapfile -t COMPREPLY < <(compgen -W 'schedules' -- "$word"); return ;;
    ${withPath.join('|')}|copy) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  esac
  case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W '${[...flags, ...general].join(' ')}' -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -W '${commandNames.join(' ')}' -- "$word") ;;
  esac
}
complete -F _apsnap apsnap
`;
}

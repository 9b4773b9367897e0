/** Every option of the command line, in one table: `--help`, the manual page, the completion and {@link ./read.ts} read it. */
import { type CollectorName, collectors } from '../collectors/index.js';
import { ACCESS_LOG_MODES } from './config.js';

/** Headings of `--help`, in its order. */
export const GROUPS = ['Network', 'TLS', 'Access', 'Sampling', 'Limits', 'Logging'] as const;

export interface Option {
  readonly flag: string;
  /** The variable that does the same, in the environment or in the env file. */
  readonly variable: string;
  /** The placeholder of its value in `--help`. `undefined`: the option takes no value. */
  readonly value?: string;
  readonly group: (typeof GROUPS)[number];
  /** What it does, with the unit. */
  readonly help: string;
  /** The value that counts if none is given, as text. */
  readonly default?: string;
  /** How `--help` describes the default, if not by its text. */
  readonly defaultText?: string;
}

/** Folders for the env file: the first that exists is taken. */
export const ENV_FOLDERS = ['/etc/raspap/api', '/etc/apsnap'];

/** Every option except `--help`, `--version` and {@link scheduleOptions}. */
export const options: readonly Option[] = [
  { flag: 'host', variable: 'APSNAP_HOST', value: 'ADDRESS', group: 'Network', help: 'IP address to listen on', default: '0.0.0.0' },
  {
    flag: 'port',
    variable: 'APSNAP_PORT',
    value: 'PORT',
    group: 'Network',
    help: 'TCP port to listen on, 0 for any free one',
    default: '8081',
  },
  {
    flag: 'allowed-host',
    variable: 'APSNAP_ALLOWED_HOSTS',
    value: 'NAME',
    group: 'Network',
    help: 'host name that requests may use besides IP addresses and localhost, repeatable',
    defaultText: 'any name',
  },
  {
    flag: 'cors-origin',
    variable: 'APSNAP_CORS_ORIGINS',
    value: 'ORIGIN',
    group: 'Network',
    help: 'origin of web pages that may call the API, such as https://example.org, repeatable',
    defaultText: 'none',
  },
  {
    flag: 'trust-proxy',
    variable: 'APSNAP_TRUST_PROXY',
    value: 'ADDRESS',
    group: 'Network',
    help: 'address or network of a proxy whose X-Forwarded-For is trusted, such as 10.0.0.0/8, repeatable',
    defaultText: 'none',
  },
  { flag: 'no-dashboard', variable: 'APSNAP_NO_DASHBOARD', group: 'Network', help: 'turn off the dashboard at /', defaultText: 'on' },
  { flag: 'no-docs', variable: 'APSNAP_NO_DOCS', group: 'Network', help: 'turn off /docs and /openapi.json', defaultText: 'on' },
  {
    flag: 'tls-cert',
    variable: 'APSNAP_TLS_CERT',
    value: 'FILE',
    group: 'TLS',
    help: 'PEM file with the certificate and its chain, to serve HTTPS',
    defaultText: 'plain HTTP',
  },
  {
    flag: 'tls-key',
    variable: 'APSNAP_TLS_KEY',
    value: 'FILE',
    group: 'TLS',
    help: "PEM file with the certificate's private key, not encrypted",
    defaultText: 'none',
  },
  {
    flag: 'tls-client-ca',
    variable: 'APSNAP_TLS_CLIENT_CA',
    value: 'FILE',
    group: 'TLS',
    help: 'PEM file with the authorities of client certificates; clients without one are rejected',
    defaultText: 'no client certificates',
  },
  {
    flag: 'dotenv',
    variable: 'APSNAP_DOTENV',
    value: 'FILE',
    group: 'Access',
    help: 'env file that holds the key',
    defaultText: `.env in the first existing folder of ${ENV_FOLDERS.join(' and ')}, else in the current one`,
  },
  {
    flag: 'expose-secrets',
    variable: 'APSNAP_EXPOSE_SECRETS',
    group: 'Access',
    help: 'let every key read passphrases, passwords and VPN configurations',
    defaultText: 'off',
  },
  {
    flag: 'failed-keys',
    variable: 'APSNAP_FAILED_KEYS',
    value: 'N',
    group: 'Access',
    help: 'wrong keys per minute after which an address gets 429 for a minute, or off',
    default: '20',
  },
  {
    flag: 'path.rootfs',
    variable: 'APSNAP_ROOTFS',
    value: 'DIR',
    group: 'Sampling',
    help: "folder that is the sampled machine's root",
    default: '/',
  },
  {
    flag: 'threads',
    variable: 'APSNAP_THREADS',
    value: 'N',
    group: 'Sampling',
    help: 'worker threads: one samples, the others (at least one) do long work and end when idle',
    default: '2',
  },
  {
    flag: 'metrics.stations',
    variable: 'APSNAP_METRICS_STATIONS',
    value: 'N',
    group: 'Sampling',
    help: 'maximum Wi-Fi clients with Prometheus metrics of their own, or off',
    default: '1000',
  },
  {
    flag: 'max-connections',
    variable: 'APSNAP_MAX_CONNECTIONS',
    value: 'N',
    group: 'Limits',
    help: 'maximum open connections',
    default: '2000',
  },
  {
    flag: 'events.listeners',
    variable: 'APSNAP_EVENTS_LISTENERS',
    value: 'N',
    group: 'Limits',
    help: 'maximum clients that listen to /events',
    default: '200',
  },
  {
    flag: 'timeout.headers',
    variable: 'APSNAP_TIMEOUT_HEADERS',
    value: 'SECONDS',
    group: 'Limits',
    help: 'seconds a client may take to send the headers of a request',
    default: '10',
  },
  {
    flag: 'timeout.request',
    variable: 'APSNAP_TIMEOUT_REQUEST',
    value: 'SECONDS',
    group: 'Limits',
    help: 'seconds a client may take to send a whole request',
    default: '20',
  },
  {
    flag: 'timeout.idle',
    variable: 'APSNAP_TIMEOUT_IDLE',
    value: 'SECONDS',
    group: 'Limits',
    // Longer than the dashboard's interval, so that it keeps its connection.
    help: 'seconds before closing a connection that sends no request',
    default: '30',
  },
  {
    flag: 'timeout.send',
    variable: 'APSNAP_TIMEOUT_SEND',
    value: 'SECONDS',
    group: 'Limits',
    help: 'seconds before closing a connection whose client stops reading',
    default: '30',
  },
  {
    flag: 'access-log',
    variable: 'APSNAP_ACCESS_LOG',
    value: 'MODE',
    group: 'Logging',
    help: `requests to log: ${ACCESS_LOG_MODES.join(', ')}`,
    default: 'summary',
  },
];

/** `--schedule.NAME` of each collector. */
export const scheduleOptions: readonly (Option & { readonly collector: CollectorName; readonly default: string })[] = collectors.map(
  ({ name, schedule }) => ({
    collector: name,
    flag: `schedule.${name}`,
    variable: `APSNAP_SCHEDULE_${name.toUpperCase()}`,
    value: 'CRON',
    group: 'Sampling',
    help: `when to run the collector ${name}`,
    default: schedule,
  }),
);

/** All schedules, as one line of `--help`. */
export const SCHEDULE_SUMMARY: Option = {
  flag: 'schedule.COLLECTOR',
  variable: 'APSNAP_SCHEDULE_COLLECTOR',
  value: 'CRON',
  group: 'Sampling',
  help: 'when to run a collector, as six cron fields with seconds first',
  defaultText: 'see apsnap help schedules',
};

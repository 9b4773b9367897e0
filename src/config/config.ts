/** The configuration as the rest of the program sees it, see {@link ./read.ts}. */
import type { CollectorName } from '../collectors/index.js';

/**
 * `all` logs each request, `errors` those with a status from 400, `off` only rejected keys.
 * `summary` logs the first request of an address, path and status at once, and its repeats as one line a minute.
 */
export const ACCESS_LOG_MODES = ['summary', 'all', 'errors', 'off'] as const;
export type AccessLogMode = (typeof ACCESS_LOG_MODES)[number];

/** PEM files, as absolute paths. */
export interface TlsFiles {
  /** The certificate of this service and its chain. */
  readonly cert: string;
  /** The private key of the certificate. */
  readonly key: string;
  /** Certificates of the authorities that sign clients' certificates. `undefined`: clients need none. */
  readonly clientCa: string | undefined;
}

/** Limits that keep one client from starving the others. */
export interface Limits {
  /** Maximum number of open connections. */
  readonly maxConnections: number;
  /** Time from the start of a connection, or of a request, to the end of the request's headers. */
  readonly headersMs: number;
  /** Time from the start of a request to the end of its body. */
  readonly requestMs: number;
  /** Time that a connection may stay idle between two requests. */
  readonly idleMs: number;
  /** Time that a client may go without reading any of its response. */
  readonly sendMs: number;
  /** How often the server looks for requests that exceed their time. Default: one second. */
  readonly checkEveryMs?: number;
  /** Time that a client gets to read the last response on a connection. Default: one second. */
  readonly lingerMs?: number;
}

export interface Config {
  /** The address to listen on. */
  readonly host: string;
  /** The port to listen on. 0: any free one. */
  readonly port: number;
  /** The folder that is the machine's root. */
  readonly rootfs: string;
  /** The env file: it holds the keys, and may hold settings. */
  readonly dotenv: string;
  /** Maximum worker threads: one samples, and the others, at least one, do long work. They end when idle. */
  readonly threads: number;
  /** Cron expression of each collector. */
  readonly schedules: ReadonlyMap<CollectorName, string>;
  /** Whether every key may read secrets. */
  readonly exposeSecrets: boolean;
  /** Maximum event streams. Further ones get 503. */
  readonly maxListeners: number;
  /** Maximum Wi-Fi stations with metrics of their own. Further ones have none. */
  readonly maxStationMetrics: number;
  /** Origins whose web pages may read responses. */
  readonly corsOrigins: readonly string[];
  /** Names that the `Host` header may have, in lower case. Empty: any. */
  readonly allowedHosts: readonly string[];
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Maximum wrong keys that an address may send in a minute. It gets 429 afterwards. Infinite: any number. */
  readonly maxFailedKeys: number;
  /** Whether the dashboard is served at `/`. */
  readonly dashboard: boolean;
  /** Whether `/docs` and `/openapi.json` are served. */
  readonly docs: boolean;
  readonly accessLog: AccessLogMode;
  /** `undefined`: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly limits: Limits;
  /** The `PATH` that programs are looked up in. */
  readonly path: string;
}

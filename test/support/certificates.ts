/** The certificates of test/tls. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CERTIFICATES = fileURLToPath(new URL('../../../test/tls/', import.meta.url));

/** A certificate in test/tls. */
export type Name = 'authority' | 'stranger' | 'server' | 'renewed' | 'named' | 'expired' | 'self-signed' | 'client' | 'other-client';

export const pemFile = (name: string) => join(CERTIFICATES, name);

export const pem = (name: string) => readFileSync(pemFile(name), 'utf8');

/** Returns a certificate and its key as options of a client. */
export const identity = (name: Name) => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key.pem`) });

/** A folder like certbot's /etc/letsencrypt/live/NAME: links to ../../archive/NAME/fullchain1.pem and so on. */
export interface LiveFolder {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
  /** Replaces `cert`, `key` or `clientCa` by a link to another file, by rename. */
  put(place: 'cert' | 'key' | 'clientCa', file: string): void;
  remove(): void;
}

/** @param name the certificate and key in the folder */
export function createLiveFolder(name: Name): LiveFolder {
  const folder = mkdtempSync(join(tmpdir(), 'apsnap-tls-'));
  const [archive, live] = [join(folder, 'archive'), join(folder, 'live')];
  mkdirSync(archive);
  mkdirSync(live);
  const places = { cert: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem'), clientCa: join(live, 'clients.pem') };
  let amount = 0;
  const put: LiveFolder['put'] = (place, file) => {
    const kept = `${++amount}-${file}`;
    copyFileSync(pemFile(file), join(archive, kept));
    symlinkSync(`../archive/${kept}`, `${places[place]}.new`);
    renameSync(`${places[place]}.new`, places[place]);
  };
  put('cert', `${name}.pem`);
  put('key', `${name}.key.pem`);
  put('clientCa', 'authority.pem');
  return { ...places, put, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

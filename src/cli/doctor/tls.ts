/** What `doctor` says of TLS: whether the files can be used, for how long, and who may read the key. */
import { statSync } from 'node:fs';
import { StartError } from '../../errors.js';
import { describePair, expiresAtMs, isSelfSigned, type TlsFiles, type TlsPair, timeProblem } from '../../http/server/certificate.js';
import { readTlsPair } from '../../http/server/tls-files.js';
import type { Row } from './doctor.js';

/** So many days before its end a certificate should have been renewed: certbot does that 30 days before. */
const RENEWED_BY_DAYS = 14;
const DAY_MS = 86_400_000;

export function tlsRow(files: TlsFiles): Row {
  const { cert, key, clientCa } = files;
  const row = { name: 'tls', source: [cert, key, ...(clientCa === undefined ? [] : [clientCa])].join(', ') };
  let pair: TlsPair;
  try {
    pair = readTlsPair(files);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { ...row, state: 'failing', why: error.message };
  }
  const nowMs = Date.now();
  const problem = timeProblem(pair, nowMs);
  const days = Math.floor((expiresAtMs(pair) - nowMs) / DAY_MS);
  const why = [problem ?? `${describePair(pair)}, ${days} days from now`];
  const advice = days < RENEWED_BY_DAYS ? ['renew the certificate: the service takes the new one by itself'] : [];
  if (isSelfSigned(pair)) {
    why.push('it is self-signed');
    advice.push(`have clients trust it: curl --cacert ${cert}`);
  }
  if ((statSync(key).mode & 0o007) !== 0) {
    why.push('every user of this machine can read its key');
    advice.push(`chmod o= ${key}`);
  }
  return { ...row, state: problem ? 'failing' : 'ok', why: why.join('; '), ...(advice.length > 0 && { advice: advice.join('; ') }) };
}

/** Checks the files of TLS: whether they work, until when, and who may read the private key. */
import { statSync } from 'node:fs';
import type { TlsFiles } from '../../config/config.js';
import { StartError } from '../../errors.js';
import { describePair, expiresAtMs, isSelfSigned, type TlsPair, timeProblem } from '../../http/server/certificate.js';
import { readTlsPair } from '../../http/server/tls-files.js';
import { shellWord } from '../../service/shell-word.js';
import type { Row } from './report.js';

/** Days before its end by which a certificate should be renewed: certbot renews it 30 days before. */
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
  const advice = days < RENEWED_BY_DAYS ? ['renew the certificate: the running service picks it up'] : [];
  if (isSelfSigned(pair)) {
    why.push('it is self-signed');
    advice.push(`make clients trust it: curl --cacert ${shellWord(cert)}`);
  }
  if ((statSync(key).mode & 0o007) !== 0) {
    why.push('every user of this machine can read its key');
    advice.push(`chmod o= ${shellWord(key)}`);
  }
  return { ...row, state: problem ? 'failing' : 'ok', why: why.join('; '), ...(advice.length > 0 && { advice: advice.join('; ') }) };
}

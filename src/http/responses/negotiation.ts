/** What a request's conditional and encoding headers ask for. Every response that has an ETag or a compressed form uses these. */

/** Parsed Accept-Encoding headers kept in memory. Beyond that, all are dropped: clients send a handful of different ones. */
const MAX_HEADERS_KEPT = 100;

const gzipByHeader = new Map<string, boolean>();

/**
 * Checks whether a client accepts gzip, RFC 9110, 12.5.3: gzip, x-gzip or * with a weight above 0.
 *
 * @param header value of Accept-Encoding
 *
 * @example acceptsGzip('br, gzip;q=0.5') // true
 */
export function acceptsGzip(header: string | undefined): boolean {
  if (!header) return false;
  let accepts = gzipByHeader.get(header);
  if (accepts === undefined) {
    accepts = parseAcceptsGzip(header);
    if (gzipByHeader.size >= MAX_HEADERS_KEPT) gzipByHeader.clear();
    gzipByHeader.set(header, accepts);
  }
  return accepts;
}

function parseAcceptsGzip(header: string): boolean {
  const weights = new Map(
    header.split(',').map((item) => {
      const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return [coding, weight === undefined ? 1 : Number(weight.slice(2))] as const;
    }),
  );
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
}

/**
 * Checks whether the client already has a representation, RFC 9110, 13.1.2. The header is a list of tags or `*`. Tags are compared
 * weakly: a W/ in front makes no difference.
 *
 * @param header value of If-None-Match
 *
 * @example matchesEtag('W/"a", "b"', '"a"') // true
 */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag) return true;
  return header.split(',').some((item) => {
    const tag = item.trim();
    return tag === '*' || tag.replace(/^W\//, '') === etag;
  });
}

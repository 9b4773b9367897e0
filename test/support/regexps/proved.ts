/**
 * Regular expressions that were proved to be linear, and whose proofs take long: all of them together half a minute. The unit test takes
 * them as proved. test/system/regexps.test.ts proves each again. An expression that changes isn't in this list, so the unit test proves it.
 */
export const provedBefore: readonly string[] = [
  '/(?:DNS|IP Address):([\\w.:*-]+)/g',
  '/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/',
  '/<a href="docs">([^<]*)<\\/a>/g',
  '/[\'"]RASPI_VERSION[\'"]\\s*(?:=>|,)\\s*[\'"]([^\'"]{1,40})[\'"]/',
  '/[\\p{C}\\p{Zl}\\p{Zp}]/gu',
  '/^(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[\\da-fA-F]{0,4}(?::[\\da-fA-F]{0,4}){2,7})$/',
  '/^(?:address|ipset|local|nftset|server)=\\/.*\\n/gm',
  '/^(?:duid|(?:agent-info|vendorclass) \\S+) [0-9a-f:]+$/i',
  '/^([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} ([0-9a-f]{8}) \\S+ \\S+ ([0-9a-f]{8}) +(\\S+)$/',
  '/^([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)([+-]?\\d{1,3}(?::[0-5]\\d){0,2})(?:([A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)([+-]?\\d{1,3}(?::[0-5]\\d){0,2})?,(J?\\d{1,3}|M\\d{1,2}\\.[1-5]\\.[0-6])(?:/([+-]?\\d{1,3}(?::[0-5]\\d){0,2}))?,(J?\\d{1,3}|M\\d{1,2}\\.[1-5]\\.[0-6])(?:/([+-]?\\d{1,3}(?::[0-5]\\d){0,2}))?)?$/',
  '/^([\\w()]{1,64}): +(\\d{1,13})( kB)?$/gm',
  '/^(\\w+): +(\\d{1,13}) kB$/gm',
  '/^::ffff:(?:(\\d+\\.\\d+\\.\\d+\\.\\d+)|([\\da-f]{1,4}):([\\da-f]{1,4}))$/i',
  '/^DEVTYPE=([\\w-]{1,32})$/m',
  '/^Max open files +(\\d+)/m',
  '/^PRETTY_NAME=(.*)$/m',
  '/^Revision\\s*: ([0-9a-f]+)$/m',
  '/^[ \\t]*server\\.document-root[ \\t]*=[ \\t]*"(\\/[^"]*)"/m',
  '/^\\d+ \\d+ \\S+ \\S+ \\/ (.*)$/gm',
  '/^\\t\\tchannel \\d+ \\((\\d+) MHz\\)/m',
  '/^nodejs_eventloop_lag_\\w+_seconds$/',
];

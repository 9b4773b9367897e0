/** A line of a configuration file. */
export interface DnsmasqOption {
  readonly name: string;
  /** Null without `=`. */
  readonly value: string | null;
  readonly comment: string | null;
}

/**
 * Parses the options of a file in order, dnsmasq(8): `option=value` or `option`, blanks around both allowed, a comment after ` #`.
 *
 *     interface=lo,uap0               # Enable uap0 interface for wireless client AP mode
 *     bind-dynamic                    # Hybrid between --bind-interfaces and default
 *     server=8.8.8.8                  # Forward DNS requests to Google DNS
 */
export function parseOptions(text: string): DnsmasqOption[] {
  const options: DnsmasqOption[] = [];
  for (const whole of text.split('\n')) {
    const line = whole.trim();
    if (line === '' || line.startsWith('#') || line.startsWith('=')) continue;
    const hash = line.includes('#') ? line.search(/\s#/) : -1;
    const option = hash < 0 ? line : line.slice(0, hash);
    const equals = option.indexOf('=');
    options.push({
      name: (equals < 0 ? option : option.slice(0, equals)).trim(),
      value: equals < 0 ? null : option.slice(equals + 1).trim(),
      comment: hash < 0 ? null : line.slice(hash + 2).trim(),
    });
  }
  return options;
}

/** Returns the values of an option, in order. */
export function optionValues(text: string, option: string): string[] {
  return parseOptions(text).flatMap(({ name, value }) => (name === option && value !== null ? [value] : []));
}

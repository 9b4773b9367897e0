import { Absent } from '../../errors.js';
import { collector } from '../../model/collector.js';
import { boolean, nullable, object, string } from '../../model/schema.js';
import { rejectBinary } from '../../parse/configuration-text.js';

const FILE = '/etc/raspap/hostapd.ini';
/** Maximum size. RaspAP's own file has twenty lines. */
const MAX_BYTES = 64 << 10;

/** Interfaces and mode chosen in RaspAP. */
export const raspap = collector({
  name: 'raspap',
  summary: 'Interfaces and mode chosen in RaspAP',
  trigger: 'file-change',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    wifiInterface: nullable(string('Interface of the access point. `null` if RaspAP chose none.')),
    wifiManaged: nullable(string('Interface that is a client of another network, or the bridge. `null` if there is none.')),
    bridgedEnable: boolean('True if the access point is bridged to the wired network.'),
    repeaterEnable: boolean('True if the access point repeats another wireless network.'),
    dualApEnable: boolean('True if two access points are configured.'),
    wifiApEnable: boolean('True if one radio is access point (`uap0`) and client at the same time.'),
  }),
  absent: {
    wifiInterface: null,
    wifiManaged: null,
    bridgedEnable: false,
    repeaterEnable: false,
    dualApEnable: false,
    wifiApEnable: false,
  },
  read(machine) {
    const text = machine.readTextIfThere(FILE, MAX_BYTES);
    if (text === undefined) throw new Absent('RaspAP is not installed');
    const settings = parseIni(text);
    const enabled = (key: string) => ENABLED.test(settings.get(key) ?? '');
    return {
      value: {
        wifiInterface: settings.get('WifiInterface') || null,
        wifiManaged: settings.get('WifiManaged') || null,
        bridgedEnable: enabled('BridgedEnable'),
        repeaterEnable: enabled('RepeaterEnable'),
        dualApEnable: enabled('DualAPEnable'),
        wifiApEnable: enabled('WifiAPEnable'),
      },
    };
  },
});

/** Values that PHP reads as true. */
const ENABLED = /^(?:0*[1-9]\d*|true|on|yes)$/i;

/**
 * Parses a file for PHP's parse_ini_file: `key = value`, the value bare or in quotes, comments after `;`,
 * sections in brackets.
 *
 *     WifiInterface = uap0
 *     LogEnable = 0
 *     WifiAPEnable = 1
 *     BridgedEnable = 0
 *     WifiManaged = wlan0
 *
 * @returns values by key; the last one of a repeated key
 * @throws {SourceError} if the text is binary
 */
export function parseIni(text: string): Map<string, string> {
  rejectBinary(text, FILE);
  const settings = new Map<string, string>();
  for (const whole of text.split('\n')) {
    const line = whole.trim();
    const equals = line.indexOf('=');
    if (equals < 0 || /^[;#[]/.test(line)) continue;
    const value = line.slice(equals + 1).trim();
    const quoted = /^"([^"]*)"|^'([^']*)'/.exec(value);
    const [bare = ''] = value.split(';', 1);
    settings.set(line.slice(0, equals).trim(), quoted ? (quoted[1] ?? quoted[2] ?? '') : bare.trim());
  }
  return settings;
}

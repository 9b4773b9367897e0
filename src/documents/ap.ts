import { configuredAccessPoint, hostapdSettings } from '../collectors/wifi/hostapdconf.js';
import { array, nullable, object, oneOf } from '../model/schema.js';
import { document } from './define.js';
import { firstAtStart } from './first-access-point.js';

const BANDS = ['2.4', '5', '6'] as const;

const frequency_band = nullable(oneOf(BANDS, 'Band in gigahertz, while it is on the air'));

/** The access points. The flat fields are RaspAP's, and of the first. */
export const ap = document({
  name: 'ap',
  summary: 'The access points, as hostapd is configured to make them',
  required: ['hostapdconf'],
  optional: ['raspap', 'stations'],
  view: object({
    ...hostapdSettings,
    frequency_band,
    access_points: array(object({ ...configuredAccessPoint, frequency_band }), 'Every one, the first at the start'),
  }),
  compose({ hostapdconf, raspap, stations }) {
    const frequencyMhz = new Map(stations?.accessPoints.map((row) => [row.interface, row.frequencyMhz]));
    const accessPoints = firstAtStart(hostapdconf.accessPoints, raspap).map((row, index, all) => {
      // Of two files for one interface hostapd has read the first.
      const isRead = all.findIndex((other) => other.interface === row.interface) === index;
      return { ...row, frequency_band: isRead ? band(frequencyMhz.get(row.interface) ?? null) : null };
    });
    const { file: _file, bridge: _bridge, ...first } = accessPoints[0] ?? none;
    return { ...first, access_points: accessPoints };
  },
});

const none = {
  driver: '',
  ctrl_interface: '',
  ctrl_interface_group: '',
  auth_algs: '',
  wpa_key_mgmt: '',
  beacon_int: '',
  ssid: '',
  channel: '',
  hw_mode: '',
  ieee80211n: '',
  wpa_passphrase: null,
  interface: '',
  wpa: '',
  wpa_pairwise: '',
  country_code: '',
  ignore_broadcast_ssid: '0',
  file: '',
  bridge: '',
  frequency_band: null,
};

/** The band of a frequency. Those of 5 and 6 GHz are next to each other; what is in none (60 GHz) has no name here. */
function band(mhz: number | null): (typeof BANDS)[number] | null {
  if (mhz === null) return null;
  if (mhz >= 2400 && mhz <= 2500) return '2.4';
  if (mhz >= 5150 && mhz <= 5895) return '5';
  if (mhz >= 5925 && mhz <= 7125) return '6';
  return null;
}

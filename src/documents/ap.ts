import { configuredAccessPoint, hostapdSettings } from '../collectors/wifi/hostapdconf.js';
import { array, nullable, object, oneOf } from '../model/schema.js';
import { document } from './define.js';
import { firstAtStart } from './first-access-point.js';

const BANDS = ['2.4', '5', '6'] as const;

const frequency_band = nullable(oneOf(BANDS, 'Frequency band, in gigahertz. `null` while the access point is not broadcasting.'));

/** The access points. The flat fields come from RaspAP's API and describe the first one. */
export const ap = document({
  name: 'ap',
  summary: 'Access points in the configuration of hostapd',
  required: ['hostapdconf'],
  optional: ['raspap', 'stations'],
  view: object({
    ...hostapdSettings,
    frequency_band,
    access_points: array(
      object({ ...configuredAccessPoint, frequency_band }),
      'All access points. The fields next to this list describe the first one.',
    ),
  }),
  compose({ hostapdconf, raspap, stations }) {
    const frequencyMhz = new Map(stations?.accessPoints.map((row) => [row.interface, row.frequencyMhz]));
    const accessPoints = firstAtStart(hostapdconf.accessPoints, raspap).map((row, index, all) => {
      // If two files configure one interface, hostapd uses the first.
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

/** Returns the band of a frequency, or null for bands without a name here, such as 60 GHz. */
function band(mhz: number | null): (typeof BANDS)[number] | null {
  if (mhz === null) return null;
  if (mhz >= 2400 && mhz <= 2500) return '2.4';
  if (mhz >= 5150 && mhz <= 5895) return '5';
  if (mhz >= 5925 && mhz <= 7125) return '6';
  return null;
}

/** Finds the first of several access points: the one that RaspAP's API describes. */
import { type Configured, HOSTAPD_CONF } from '../collectors/wifi/hostapdconf.js';

/** RaspAP's choice; see the collector `raspap`. */
interface Choice {
  readonly wifiInterface: string | null;
  readonly dualApEnable: boolean;
}

/**
 * Moves the first access point to the start: the one of RaspAP's WifiInterface, else that of hostapd.conf, else the first by name.
 * Two files may configure the same interface, as RaspAP leaves old files: with two access points it uses hostapd-NAME.conf, else
 * hostapd.conf.
 *
 * @param accessPoints sorted by name
 * @param choice undefined if RaspAP's choice isn't known
 */
export function firstAtStart<Known extends Pick<Configured, 'file' | 'interface'>>(
  accessPoints: readonly Known[],
  choice: Choice | undefined,
): Known[] {
  const rank = ({ file, interface: name }: Known) => {
    const chosen = name !== '' && name === choice?.wifiInterface;
    const used = (file === HOSTAPD_CONF) !== (choice?.dualApEnable ?? false);
    return (chosen ? 0 : 2) + (used ? 0 : 1);
  };
  return [...accessPoints].sort((a, b) => rank(a) - rank(b));
}

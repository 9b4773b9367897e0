/** Which of several access points is the first: the one that RaspAP's RestAPI would tell of. */
import { type Configured, HOSTAPD_CONF } from '../collectors/wifi/hostapdconf.js';

/** What RaspAP says of it, see the collector `raspap`. */
interface Choice {
  readonly wifiInterface: string | null;
  readonly dualApEnable: boolean;
}

/**
 * First is the one of RaspAP's WifiInterface, else that of hostapd.conf, then by name. Two files may configure the same interface,
 * as RaspAP leaves the one it used before: with two access points it uses hostapd-NAME.conf, else hostapd.conf.
 *
 * @param accessPoints by name
 * @param choice undefined where RaspAP's choice is not known
 * @returns the same, the first at the start
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

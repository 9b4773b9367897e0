/** Network interfaces in /sys/class/net, and the values of their files. */
import { SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';

export const INTERFACES_FOLDER = '/sys/class/net';

/** Lists the names of the interfaces, sorted. Other entries (`bonding_masters`) are files. */
export function listInterfaces(machine: Machine): string[] {
  const entries = [...machine.entries(INTERFACES_FOLDER)];
  return entries.flatMap(([name, kind]) => (kind === 'link' || kind === 'folder' ? [name] : [])).sort();
}

/**
 * Reads one value of an interface, without the line feed. Returns undefined if it has none: the kernel responds with EINVAL where a
 * value makes no sense (the speed of an interface that is down), and with ENODEV once the interface is gone.
 *
 * @param attribute path below the interface's folder
 * @throws {SourceError} if the attribute isn't a file or may not be read
 */
export function readAttribute(machine: Machine, name: string, attribute: string): string | undefined {
  try {
    return machine.readTextIfThere(`${INTERFACES_FOLDER}/${name}/${attribute}`)?.replace(/\n$/, '');
  } catch (error) {
    if (error instanceof SourceError && error.code === 'unreadable') return undefined;
    throw error;
  }
}

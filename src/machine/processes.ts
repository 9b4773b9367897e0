/** Process groups: a program is ended together with everything that it has started. */

/** Options that make a program lead a process group. `spawnSync` takes them too; its type lacks them. */
export const OWN_GROUP = { detached: true };

/**
 * Kills a process group.
 *
 * @param pid of its leader; undefined or 0 if the program could not be started
 */
export function killGroup(pid: number | undefined): void {
  if (!pid) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of its processes have ended.
  }
}

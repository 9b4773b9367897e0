/** Watches files that an administrator replaces while the service runs. */
import { unwatchFile, watchFile } from 'node:fs';

export interface Watch {
  stop(): void;
}

/**
 * Polls files by path. Unlike inotify, that notices a replaced link or folder anywhere on the way, and works on every file system.
 *
 * @param onChange called after one of them changed, appeared or disappeared, and once at the start
 */
export function watchFiles(paths: readonly string[], intervalMs: number, onChange: () => void): Watch {
  const distinct = new Set(paths);
  const listener = () => onChange();
  for (const path of distinct) watchFile(path, { interval: intervalMs, persistent: false }, listener);
  // Node takes its first fingerprint a moment later. One extra call finds what changed before that.
  const first = setTimeout(listener, intervalMs).unref();
  return {
    stop() {
      clearTimeout(first);
      for (const path of distinct) unwatchFile(path, listener);
    },
  };
}

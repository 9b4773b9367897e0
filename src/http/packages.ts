/** CommonJS packages that load on first use. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Packages that load on first use. scripts/bundle.ts writes each into its own file next to the bundle. */
export const LATE_PACKAGES = ['@koa/router', 'koa', 'koa-bodyparser', 'koa2-swagger-ui', 'prom-client'] as const;

/** A package couldn't be loaded. A later attempt may succeed. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}

/**
 * Prepares to load a package on first use. This doesn't use `import()`, which remembers failures: after a moment with too many open
 * files, or one bad read of the SD card, it would fail until the service restarts. The path is resolved now, because a failed
 * resolution is remembered too.
 *
 * @returns a function that loads the package, or returns it if it is loaded, and throws {@link PackageError} if that fails
 */
export function latePackage<T>(name: (typeof LATE_PACKAGES)[number]): () => T {
  const path = require.resolve(name);
  return () => {
    try {
      return require(path) as T;
    } catch (error) {
      throw new PackageError(`${name} cannot be loaded: ${(error as Error).message.split('\n', 1)[0]}`);
    }
  };
}

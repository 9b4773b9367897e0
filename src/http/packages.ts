/** CommonJS packages that are loaded when they are first needed. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Those packages: scripts/bundle.ts lays each beside the bundle, as one file. */
export const LATE_PACKAGES = ['koa-bodyparser', 'koa2-swagger-ui', 'prom-client'] as const;

/** A package could not be loaded now; it may be another time. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}

/**
 * A package that is not loaded yet. Not by `import()`, which remembers a failure: after one moment with too many open files, or one bad
 * read of the SD card, it would fail until the service is started anew. It is looked for now, as what is not found is remembered too.
 *
 * @returns loads it, or gives it if it is loaded; throws PackageError
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

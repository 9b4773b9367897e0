/**
 * Where the files are that belong to this program. The compiled service and its bundle (scripts/bundle.ts) lie at the same depth
 * below the program's folder, so that this holds for both.
 *
 *     package.json  dist/{src,workers,web}/*.js  dist/openapi.json  web/  systemd/
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const require = createRequire(import.meta.url);

/** @returns the path of a file or folder of this program, named from its root */
export function programFile(name: string): string {
  return fileURLToPath(new URL(name, root));
}

/** @returns the path of a file that a package brings, for browsers: `uplot/dist/uPlot.min.css` */
export function packageFile(name: string): string {
  return require.resolve(name);
}

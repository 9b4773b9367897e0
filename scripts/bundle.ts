/**
 * Bundles the program and what it imports from node_modules into few files, for packages. They are laid out as in the compiled tree, at
 * the depth that src/program-files.ts expects. All are CommonJS: Node then starts without its loader of ES modules, and a module that
 * the program imports late costs nothing before.
 *
 *     package.json
 *     dist/src/main.js  dist/src/worker.js (piscina's and ours)  dist/workers/collect.js (which leads to it)
 *     dist/web/*.js  dist/openapi.json
 *     web/  node_modules/{swagger-ui-dist,uplot}: files for browsers
 *     node_modules/NAME/index.js: packages that are loaded on first use
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { LATE_PACKAGES } from '../src/http/packages.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Files of packages that browsers load. */
const SENT: Readonly<Record<string, readonly string[]>> = {
  'swagger-ui-dist': ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-standalone-preset.js', 'favicon-32x32.png'],
  uplot: ['dist/uPlot.min.css', 'dist/uPlot.iife.min.js'],
};

/** Defines `import.meta.url` for a CommonJS module. */
const META_URL = `'use strict';const metaUrl=require('node:url').pathToFileURL(__filename).href;`;

/** Piscina's worker, which then requires ours. They are one file, because both need the same instance of piscina. */
const WORKER = "import './node_modules/piscina/dist/worker.js'; export * from './dist/workers/collect.js';";

/** A package in the bundle. */
export interface Bundled {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** The text of the licence. */
  readonly text: string;
}

/** Makes `import { crc32 } from 'node:zlib'` work in Node 18. */
const olderNode: Plugin = {
  name: 'older-node',
  setup({ onResolve, onLoad }) {
    const additions: Readonly<Record<string, string>> = { 'node:zlib': 'crc32', 'node:util': 'parseEnv' };
    onResolve({ filter: /^node:(?:zlib|util)$/ }, ({ path, kind, importer }) =>
      kind === 'import-statement' && importer.startsWith(join(ROOT, 'dist/')) && !importer.endsWith('/node18.js')
        ? { path, namespace: 'older-node', sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'older-node' }, ({ path }) => ({
      contents: `export * from '${path}'; export { ${additions[path]} } from './dist/packaging/node18.js';`,
      resolveDir: ROOT,
    }));
  },
};

/** koa2-swagger-ui reads its package.json only if it isn't given a version. src/http/routes/docs.ts gives it one. */
const neverCalled: Plugin = {
  name: 'never-called',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^read-pkg-up$/ }, ({ path }) => ({ path, namespace: 'never-called' }));
    onLoad({ filter: /.*/, namespace: 'never-called' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** Media types that Koa must know for the bodies that the service sends and accepts. */
const TYPES = ['application/json', 'application/octet-stream', 'text/html', 'text/plain'];

/** mime-db describes 2,500 media types. Koa has two copies of it, which take 25 ms and 6 MB when Koa is loaded. */
const fewTypes: Plugin = {
  name: 'few-types',
  setup({ onLoad }) {
    onLoad({ filter: /\/mime-db\/db\.json$/ }, ({ path }) => {
      const types = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
      return { contents: JSON.stringify(Object.fromEntries(TYPES.map((type) => [type, types[type]]))), loader: 'json' };
    });
  },
};

/**
 * Fills a folder with the bundle.
 *
 * @returns the packages in it, sorted by folder
 */
export async function bundle(folder: string): Promise<Bundled[]> {
  const common = {
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node18',
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    metafile: true,
    logLevel: 'warning',
  } satisfies BuildOptions;
  const program = {
    ...common,
    inject: ['dist/packaging/node18.js'],
    plugins: [olderNode],
    // Native and optional: without it, threads set their priority themselves.
    external: ['@napi-rs/nice'],
    format: 'cjs',
    define: { 'import.meta.url': 'metaUrl' },
    banner: { js: META_URL },
  } satisfies BuildOptions;
  const main = await build({ ...program, entryPoints: ['dist/src/main.js'], outfile: join(folder, 'dist/src/main.js') });
  const worker = await build({
    ...program,
    stdin: { contents: WORKER, resolveDir: ROOT },
    outfile: join(folder, 'dist/src/worker.js'),
  });
  mkdirSync(join(folder, 'dist/workers'), { recursive: true });
  for (const file of ['main', 'worker']) expectAscii(join(folder, `dist/src/${file}.js`));
  writeFileSync(join(folder, 'dist/workers/collect.js'), "module.exports = require('../src/worker.js');\n");
  const late = await build({
    ...common,
    entryPoints: LATE_PACKAGES.map((name) => ({ in: name, out: `${name}/index` })),
    outdir: join(folder, 'node_modules'),
    plugins: [neverCalled, fewTypes],
    format: 'cjs',
  });
  const inputs = [main, worker, late].flatMap(({ metafile }) => Object.keys(metafile.inputs));

  const copy = (from: string, to = from) => cpSync(join(ROOT, from), join(folder, to), { recursive: true });
  const { name, version, license, description } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, license, description })}\n`);
  copy('dist/openapi.json');
  copy('dist/web');
  for (const file of ['index.html', 'style.css', 'icon.svg']) copy(`web/${file}`);
  copy('node_modules/koa2-swagger-ui/dist/index.hbs', 'node_modules/koa2-swagger-ui/index.hbs');
  for (const [name, files] of Object.entries(SENT)) {
    for (const file of [...files, 'package.json']) copy(`node_modules/${name}/${file}`);
  }

  const bundled = inputs.flatMap((file) => /^node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []);
  const nested = inputs.filter((file) => file.lastIndexOf('node_modules/') > 0);
  const folders = [...bundled, ...nested.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? '')];
  const sent = Object.keys(SENT).map((name) => `node_modules/${name}`);
  return [...new Set([...folders, ...sent])].sort().map(describe);
}

/** @throws {Error} if a file has another character than ASCII: V8 would keep the whole file in two bytes per character */
function expectAscii(file: string): void {
  const [found] = /[^\0-\x7f]/.exec(readFileSync(file, 'utf8')) ?? [];
  if (found) throw new Error(`${file}: ${JSON.stringify(found)} is in a regular expression or a template: write it as an escape`);
}

/** @throws {Error} if a package names no licence */
function describe(folder: string): Bundled {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Bundled;
  const files = readdirSync(join(ROOT, folder)).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  const text = files.map((file) => readFileSync(join(ROOT, folder, file), 'utf8').trim()).join('\n\n');
  // Some packages name MIT without its text, which must be passed on. It is the same as ours.
  const mit = () => readFileSync(join(ROOT, 'LICENSE'), 'utf8').replace(/^Copyright .*$/m, `Copyright (c) the authors of ${name}`);
  if (!license || (!text && license !== 'MIT')) throw new Error(`${folder}: no licence found: it cannot be bundled`);
  return { name, version, license, text: text || mit().trim() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  if (!folder) throw new Error('expected the folder to fill');
  mkdirSync(dirname(folder), { recursive: true });
  await bundle(folder);
}

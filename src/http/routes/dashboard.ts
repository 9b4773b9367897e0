/** The dashboard: its page and the files it loads, the same for every client. The page fetches its data with the key. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Context, Middleware, Next } from 'koa';
import { packageFile, programFile } from '../../program-files.js';
import { digest, type Handler, IMMUTABLE, REVALIDATE, type StaticFile, serveFile } from '../responses/static-file.js';

/** Nothing inline, nothing from other sites. uPlot and our scripts set styles through the CSSOM, which the policy allows. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** The page and its style sheet, as written. */
const WRITTEN = programFile('web/');
/** Its scripts, compiled. */
const COMPILED = programFile('dist/web/');

interface File {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * Serves `/` and `/assets/HASH/NAME` without a key. Other paths go to `next`. Files are read once, at the start, so that an upgrade
 * under a running service never mixes two versions. URLs in the page are relative, so the dashboard works behind a proxy that serves it
 * under a sub-path.
 *
 * @param docs whether the page links to `/docs`
 *
 * @example router.get(['/', '/assets/{*file}'], dashboard());
 */
export function dashboard(docs = true): Middleware {
  const assets = readAssets();
  const hash = digest(Buffer.concat(assets.flatMap(({ name, bytes }) => [Buffer.from(`${name}\0${bytes.length}\0`), bytes])));
  const handlers = new Map<string, Handler>([['/', serveFile(pageFile(assets, hash, docs))]]);
  for (const { name, type, bytes } of assets) {
    handlers.set(
      `/assets/${hash}/${name}`,
      serveFile({ type, tag: `${hash}-${name}`, cacheControl: IMMUTABLE, load: () => Promise.resolve(bytes) }),
    );
  }
  return async function serveDashboard(context: Context, next: Next): Promise<void> {
    const handler = handlers.get(context.path);
    await (handler ? handler(context) : next());
  };
}

function readAssets(): File[] {
  const script = 'text/javascript; charset=utf-8';
  const style = 'text/css; charset=utf-8';
  const modules = readdirSync(COMPILED).filter((name) => name.endsWith('.js'));
  return [
    { name: 'style.css', type: style, bytes: readFileSync(`${WRITTEN}style.css`) },
    { name: 'icon.svg', type: 'image/svg+xml', bytes: readFileSync(`${WRITTEN}icon.svg`) },
    { name: 'uplot.css', type: style, bytes: readFileSync(packageFile('uplot/dist/uPlot.min.css')) },
    { name: 'uplot.min.js', type: script, bytes: readFileSync(packageFile('uplot/dist/uPlot.iife.min.js')) },
    ...modules.map((name) => ({ name, type: script, bytes: readFileSync(`${COMPILED}${name}`) })),
  ];
}

/** Has no link but the one to the documentation. */
const NAVIGATION = '<nav aria-label="Pages"><a href="docs">API</a></nav>';

function pageFile(assets: readonly File[], hash: string, docs: boolean): StaticFile {
  const preloads = assets
    .filter(({ name }) => name.endsWith('.js') && !name.endsWith('.min.js'))
    .map(({ name }) => `<link rel="modulepreload" href="assets/${name}">`);
  const written = readFileSync(`${WRITTEN}index.html`, 'utf8');
  const html = (docs ? written : written.replace(NAVIGATION, '').replaceAll(/<a href="docs">([^<]*)<\/a>/g, '$1'))
    .replace('<!-- modules -->', preloads.join('\n    '))
    .replaceAll('"assets/', `"assets/${hash}/`);
  const bytes = Buffer.from(html);
  return {
    type: 'text/html; charset=utf-8',
    tag: digest(bytes),
    cacheControl: REVALIDATE,
    policy: POLICY,
    load: () => Promise.resolve(bytes),
  };
}

/** The dashboard: its page and what that loads, the same for everybody. What it shows, it asks for with the key. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Context, Middleware, Next } from 'koa';
import { packageFile, programFile } from '../../program-files.js';
import { type Answer, answerWith, digest, immutable, type Resource, revalidate } from '../responses/resource.js';

/** Nothing inline, nothing from elsewhere. uPlot and our scripts set styles through the CSSOM, which a policy allows. */
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

/** The page and its style, as they are written. */
const WRITTEN = programFile('web/');
/** Its scripts, compiled. */
const COMPILED = programFile('dist/web/');

interface File {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * Serves `/` and `/assets/HASH/NAME`, without a key; other methods and paths go to `next`. Files are read here, once, so that an
 * upgrade under a running service never mixes two versions. Addresses in the page are relative, for proxies that serve us under a
 * sub-path.
 *
 * @param docs whether the page leads to `/docs`
 * @example router.get(['/', '/assets/{*file}'], dashboard());
 */
export function dashboard(docs = true): Middleware {
  const assets = readAssets();
  const hash = digest(Buffer.concat(assets.flatMap(({ name, bytes }) => [Buffer.from(`${name}\0${bytes.length}\0`), bytes])));
  const answers = new Map<string, Answer>([['/', answerWith(pageResource(assets, hash, docs))]]);
  for (const { name, type, bytes } of assets) {
    answers.set(
      `/assets/${hash}/${name}`,
      answerWith({ type, tag: `${hash}-${name}`, cacheControl: immutable, load: () => Promise.resolve(bytes) }),
    );
  }
  return async function serveDashboard(context: Context, next: Next): Promise<void> {
    const answer = answers.get(context.path);
    await (answer ? answer(context) : next());
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

/** Leads to the documentation only. */
const NAVIGATION = '<nav aria-label="Pages"><a href="docs">API</a></nav>';

function pageResource(assets: readonly File[], hash: string, docs: boolean): Resource {
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
    cacheControl: revalidate,
    policy: POLICY,
    load: () => Promise.resolve(bytes),
  };
}

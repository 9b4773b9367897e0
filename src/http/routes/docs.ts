// The interactive documentation, for an access point with no uplink: koa2-swagger-ui's page, and the scripts and styles it
// asks for out of swagger-ui-dist. Nothing is loaded or compressed before somebody asks.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Context, Middleware, Next } from 'koa';
import { packageFile } from '../../program-files.js';
import { latePackage } from '../packages.js';
import { type Answer, answerWith, digest, immutable, once, type Resource, revalidate } from '../responses/resource.js';

const loadSwaggerUi = latePackage<typeof import('koa2-swagger-ui')>('koa2-swagger-ui');

/** Name in the page → file of swagger-ui-dist, and its type. Nothing else of that package is served. */
const assets = [
  ['swagger-ui.min.css', 'swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui-standalone-preset.js', 'swagger-ui-standalone-preset.js', 'text/javascript; charset=utf-8'],
  ['favicon.png', 'favicon-32x32.png', 'image/png'],
] as const;

/**
 * Serves `/openapi.json` (the bytes given) and `/docs` (a page to read it and try it out), without a key. Other methods and
 * other paths go to `next`. Each address in the page is relative, so it works behind a proxy that serves us under a sub-path.
 *
 * @example app.use(docs(await readFile(new URL('../openapi.json', import.meta.url))));
 */
export function docs(specification: Uint8Array): Middleware {
  // not the package's main: that one evaluates the 1.7 MB bundle
  const { version } = JSON.parse(readFileSync(packageFile('swagger-ui-dist/package.json'), 'utf8')) as { version: string };

  const answers = new Map<string, Answer>();
  const json = Buffer.from(specification.buffer, specification.byteOffset, specification.byteLength);
  answers.set(
    '/openapi.json',
    answerWith({ type: 'application/json', tag: digest(json), cacheControl: revalidate, load: async () => json }),
  );
  for (const [name, file, type] of assets) {
    // the version is in the address and in the tag: it stands for the bytes, which need not be read to be named
    const path = packageFile(`swagger-ui-dist/${file}`);
    answers.set(
      `/docs/${version}/${name}`,
      answerWith({ type, tag: `${version}-${file}`, cacheControl: immutable, load: () => readFile(path) }),
    );
  }
  const page = once(async () => answerWith(pageResource(await renderPage(version))));
  answers.set('/docs', async (context) => (await page())(context));
  answers.set('/docs/', async (context) => {
    context.redirect('../docs');
  });

  return async function serveDocs(context: Context, next: Next): Promise<void> {
    const answer = context.method === 'GET' || context.method === 'HEAD' ? answers.get(context.path) : undefined;
    await (answer === undefined ? next() : answer(context));
  };
}

/**
 * koa2-swagger-ui's page as HTML. Loading that package costs about 80 ms of a PC's time and 10 MB (handlebars, lodash), hence
 * here and not above.
 */
async function renderPage(version: string): Promise<string> {
  const { koaSwagger } = loadSwaggerUi();
  const render = koaSwagger({
    title: 'apsnap API',
    routePrefix: false,
    hideTopbar: true,
    swaggerCdnUrl: 'docs',
    // left out, koa2-swagger-ui would look for its own package.json and take the version it was developed with
    swaggerVersion: version,
    favicon: `docs/${version}/favicon.png`,
    swaggerOptions: {
      url: 'openapi.json',
      deepLinking: true,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      persistAuthorization: false,
      // a string, for the types know no number here; Swagger UI casts it
      defaultModelsExpandDepth: '0',
      // else it sends the specification's address to validator.swagger.io
      validatorUrl: null,
    },
  });
  // its middleware only sets these two; a stand-in, so that no client's context carries the page's headers if this fails
  const rendered = { type: '', body: '' };
  await render(rendered as unknown as Parameters<typeof render>[0], async () => undefined);
  return rendered.body.replace(/[ \t]*<link [^>]*fonts\.googleapis\.com[^>]*>\r?\n/, '');
}

/** The page with a policy that lets it load from us only, and run only the inline scripts it has now. */
function pageResource(html: string): Resource {
  const hashes = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  const policy = [
    "default-src 'none'",
    ["script-src 'self'", ...hashes].join(' '),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const bytes = Buffer.from(html);
  return {
    type: 'text/html; charset=utf-8',
    tag: digest(bytes),
    cacheControl: revalidate,
    policy,
    load: async () => bytes,
  };
}

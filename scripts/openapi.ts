/**
 * Writes dist/openapi.json, as part of `npm run build`: operations from the routes' comments and from the documents' definitions, with
 * examples from one of the test machines.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swaggerJsdoc from 'swagger-jsdoc';
import type { AnyDocument } from '../src/documents/index.js';
import type { Example } from '../src/http/openapi/documents.js';
import { specification } from '../src/http/openapi/specification.js';
import { slug } from '../src/model/document.js';
import { fixtureText, wholeMachine } from '../test/support/fixture.js';

/** Reads the documents of a machine, with the longest page first. */
function examplesOf(machine: string): (document: { name: string }) => Example {
  const archive = wholeMachine(machine);
  return (document) => {
    const { document: body, pages = {} } = JSON.parse(fixtureText(archive, `expected/${slug(document)}.json`)) as Example;
    const length = (page: unknown) => JSON.stringify(page).length;
    return { document: body, pages: Object.fromEntries(Object.entries(pages).sort(([, a], [, b]) => length(b) - length(a))) };
  };
}

const stock = examplesOf('raspap-pi4');
const exposed = examplesOf('dual-ap');
/** Secret pages come from a machine that exposes its secrets. */
const exampleOf = (document: AnyDocument): Example =>
  document.pages?.secret ? { ...stock(document), pages: exposed(document).pages ?? {} } : stock(document);

// An absolute path, because swagger-jsdoc resolves relative ones from the working directory.
const routes = fileURLToPath(new URL('../../src/http/routes/*.ts', import.meta.url));
const definition = specification(exampleOf) as swaggerJsdoc.OAS3Definition;
const result = swaggerJsdoc({ definition, apis: [routes], failOnErrors: true });
writeFileSync(new URL('../openapi.json', import.meta.url), JSON.stringify(result));

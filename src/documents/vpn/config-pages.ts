/** Pages with the texts of configuration files, which are secret. */
import type { Contents } from '../../collectors/vpn/config-folder.js';
import { array, type Infer, nullable, object, string } from '../../model/schema.js';

const page = object({
  client_config: nullable(array(string('A line'), 'Text of the configuration; null where it cannot be read')),
  problem: nullable(string('Why it cannot be read')),
});

export const configPages = { parameter: 'config', secret: true, view: page } as const;

export function composeConfigPages(contents: Contents): Map<string, Infer<typeof page>> {
  // Where secrets are hidden nobody gets to see a page, only that it is there.
  const hidden = (problem: string | null) => (problem === null ? [] : null);
  return new Map(contents.map(({ config, lines, problem }) => [config, { client_config: lines ?? hidden(problem), problem }]));
}

/** What can be asked of a list of blocked names, which may be too long to be looked through elsewhere. */

import type { Queries } from '../../model/document.js';
import { type PageOfList, pageOfList } from '../../parse/blocklist.js';

/** @param name of the list, of its field in the document and of the collector */
export function listQueries(name: 'domains' | 'hostnames'): Queries {
  return {
    parameters: {
      limit: { type: 'integer', description: 'Most names in the answer', least: 1, most: 10_000, default: 1_000 },
      offset: { type: 'integer', description: 'How many to pass over', least: 0, most: 9_999_999_999, default: 0 },
      contains: {
        type: 'string',
        description: 'Only names that hold this; `amount` then counts those',
        pattern: /^[\x21-\x7e]{1,253}$/,
        expected: '1 to 253 letters, digits, dots and hyphens',
      },
    },
    answer(query, _host, parts) {
      const { names, amount } = pageOfList(parts[name] as Uint8Array, query as unknown as PageOfList);
      return { [name]: names, amount };
    },
  };
}

/** One request. */
import { Agent, get } from 'node:http';

export interface Answer {
  readonly status: number;
  /** Flat, without those that Node adds to every answer. */
  readonly headers: string[];
  readonly body: Buffer;
}

const ADDED_BY_NODE = new Set(['date', 'connection', 'keep-alive']);
const agent = new Agent({ keepAlive: true });

/** @throws Error there is no answer */
export function ask(url: string, key: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers: { access_token: key } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const headers: string[] = [];
        for (let at = 0; at < response.rawHeaders.length; at += 2) {
          const [name = '', value = ''] = response.rawHeaders.slice(at, at + 2);
          if (!ADDED_BY_NODE.has(name.toLowerCase())) headers.push(name, value);
        }
        resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
  });
}

/** Whether a document is fresh. */
export async function isFresh(url: string, key: string): Promise<boolean> {
  const { status, headers } = await ask(url, key);
  return status === 200 && headers[headers.indexOf('Sample-State') + 1] === 'fresh';
}

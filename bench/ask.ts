/** One request, and its response. */
import { Agent, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';

export interface Answer {
  readonly status: number;
  /** Names and values in turn, without the headers that Node adds to every response. */
  readonly headers: string[];
  readonly body: Buffer;
}

const ADDED_BY_NODE = new Set(['date', 'connection', 'keep-alive']);
const agent = new Agent({ keepAlive: true });
/** Accepts any certificate. */
const secureAgent = new SecureAgent({ keepAlive: true, rejectUnauthorized: false });

export interface AskOptions {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws {Error} if there is no response */
export function ask(url: string, key: string, { method = 'GET', headers }: AskOptions = {}): Promise<Answer> {
  const isSecure = url.startsWith('https:');
  const send = isSecure ? secureRequest : request;
  return new Promise((resolve, reject) => {
    const asked = send(url, { agent: isSecure ? secureAgent : agent, method, headers: { access_token: key, ...headers } }, (response) => {
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
    asked.on('error', reject);
    asked.end();
  });
}

export function header({ headers }: Answer, name: string): string | undefined {
  const at = headers.indexOf(name);
  return at < 0 ? undefined : headers[at + 1];
}

export async function isFresh(url: string, key: string): Promise<boolean> {
  const answer = await ask(url, key, { method: 'HEAD' });
  return answer.status === 200 && header(answer, 'Sample-State') === 'fresh';
}

/** Requests for JSON. */

/** Returns the reason that the server gave for an error response. */
export async function problemDetail(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    if (typeof detail === 'string') return detail;
  } catch {
    // a proxy's own error page
  }
  return `the server responded with ${response.status} ${response.statusText}`.trim();
}

/**
 * Requests a path with the key.
 *
 * @param path relative to the page
 * @throws {Error} with a message for the user if the server responds with an error
 */
export async function getJson<T>(path: string, key: string): Promise<T> {
  const response = await fetch(path, { headers: { access_token: key, Accept: 'application/json' }, cache: 'no-store' });
  if (!response.ok) throw new Error(await problemDetail(response));
  return (await response.json()) as T;
}

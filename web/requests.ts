/** Answers of the service that are not streams. */

/** What went wrong, in the service's words. */
export async function problemDetail(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    if (typeof detail === 'string') return detail;
  } catch {
    // a proxy's own page
  }
  return `the answer is ${response.status} ${response.statusText}`.trim();
}

/**
 * @param path relative to the page
 * @throws Error with what to show
 */
export async function getJson<T>(path: string, key: string): Promise<T> {
  const response = await fetch(path, { headers: { access_token: key, Accept: 'application/json' }, cache: 'no-store' });
  if (!response.ok) throw new Error(await problemDetail(response));
  return (await response.json()) as T;
}

/** The API key of this tab, where the service asks for one. */
const NAME = 'malgwi-key';

export const getKey = (): string | null => sessionStorage.getItem(NAME);
export const setKey = (key: string): void => sessionStorage.setItem(NAME, key);

/** Subprotocols take no other characters than these. */
export function base64url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export function withKey(headers: Record<string, string> = {}): Record<string, string> {
  const key = getKey();
  return key === null ? headers : { ...headers, authorization: `Bearer ${key}` };
}

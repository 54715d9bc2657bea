/** Silence that ends an utterance where the client says itself when one ends: longer than any utterance may be. */
export const NO_ENDPOINT_MS = 30_000;

/**
 * Runs a synchronous call with console.error off: the codec libraries print one line for every damaged packet, and a
 * hostile upload must not be able to fill the log. Their errors are read from what they return.
 */
export function quietly<T>(call: () => T): T {
  const original = console.error;
  console.error = () => undefined;
  try {
    return call();
  } finally {
    console.error = original;
  }
}

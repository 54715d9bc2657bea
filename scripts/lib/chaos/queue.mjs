/** Opens the queue under test, as the service does. */
const dist = (path) => import(new URL(`../../../dist/${path}`, import.meta.url));

/** Short times: a killed worker's jobs are to be taken up within seconds. */
const QUICK = { retryDelayMs: 100, noticeDelayMs: 100, maxNoticeAttempts: 20 };

/**
 * @param place where the queue lies: `url` of Redis and `prefix`, or `dir` of the embedded one
 * @param onError told of outages
 */
export async function openQueue({ url, prefix = 'chaos', dir }, onError = () => undefined) {
  if (url === undefined) {
    const { openEmbeddedQueue } = await dist('jobs/embedded/index.js');
    return openEmbeddedQueue({ dir, ...QUICK, onError });
  }
  const { openBullmqQueue } = await dist('jobs/bullmq/index.js');
  return openBullmqQueue({ url, prefix, leaseMs: 3000, stalledIntervalMs: 1000, ...QUICK, onError });
}

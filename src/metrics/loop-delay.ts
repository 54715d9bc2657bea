import type { Histogram } from 'prom-client';

const PERIOD_MS = 20;
/** A stall longer than this is entered as if it were this long (a laptop that slept is not a busy loop). */
const LONGEST_MS = 60_000;

/**
 * Measures how late the event loop is and feeds a histogram, which any number of scrapers can read: unlike the
 * quantile gauges of prom-client nothing is reset when one of them does.
 *
 * A stall hides the samples that would have been taken during it; they are entered too, each with what it would have
 * waited (the correction for coordinated omission of G. Tene's HdrHistogram), so that p99 means what it says.
 * @returns stops the measurement
 */
export function watchLoopDelay(histogram: Histogram): () => void {
  let expected = performance.now() + PERIOD_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    const late = Math.min(Math.max(0, now - expected), LONGEST_MS);
    for (let missed = late; missed >= 0; missed -= PERIOD_MS) histogram.observe(missed / 1000);
    expected = now + PERIOD_MS;
  }, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}

import { Webhook } from 'standardwebhooks';
import { MalgwiError } from '../errors.js';
import type { GuardedHttp } from '../net/fetch.js';
import type { JobHandlers } from './contract.js';
import { viewJob } from './view.js';

const TIMEOUT_MS = 15_000;

/**
 * Tells receivers of the end of jobs, signed as Standard Webhooks has it (standardwebhooks.com): the identifier is equal in
 * every attempt, so that a receiver can tell a repetition; the time is that of the attempt.
 * @param secret `whsec_` and base64
 */
export function webhookNotifier(http: GuardedHttp, secret: string): JobHandlers['notify'] {
  const webhook = new Webhook(secret);
  return async ({ job, url, messageId }, signal) => {
    const now = new Date();
    const body = JSON.stringify({
      type: `job.${job.state}`,
      timestamp: new Date(job.finishedAt ?? now).toISOString(),
      data: viewJob(job),
    });
    const headers = {
      'webhook-id': messageId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': webhook.sign(messageId, now, body),
    };
    const status = await http.post(url, body, headers, { timeoutMs: TIMEOUT_MS, signal });
    if (status >= 200 && status < 300) return;
    throw new MalgwiError('url_fetch_failed', {
      detail: `The receiver of the webhook answered with status ${status}.`,
    });
  };
}

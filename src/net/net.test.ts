import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import type { Job } from '../jobs/contract.js';
import { webhookNotifier } from '../jobs/webhook.js';
import { LocalStorage } from '../storage/local/index.js';
import { AddressPolicy } from './addresses.js';
import { GuardedHttp } from './fetch.js';
import type { NetOptions } from './fetch.js';
import { checkUrl } from './url.js';

describe('addresses', () => {
  const open = new AddressPolicy();

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '4000::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'localhost',
    '',
    '1',
    '0x7f000001',
  ])('refuses %s', (address) => {
    expect(open.allows(address)).toBe(false);
  });

  it.each(['1.1.1.1', '8.8.8.8', '93.184.216.34', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'allows %s',
    (address) => {
      expect(open.allows(address)).toBe(true);
    },
  );

  it('allows what is listed, and nothing beside it', () => {
    const policy = new AddressPolicy(['10.1.0.0/16', '::1', '192.168.7.7']);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::1', '192.168.7.7', '8.8.8.8'])
      expect([address, policy.allows(address)]).toEqual([address, true]);
    for (const address of ['10.2.0.1', '192.168.7.8', '::2', '127.0.0.1'])
      expect([address, policy.allows(address)]).toEqual([address, false]);
    for (const wrong of ['x', '10.0.0.0/33', '10.0.0', 'example.org'])
      expect(() => new AddressPolicy([wrong])).toThrow('MALGWI_ALLOW_PRIVATE_ADDRESSES');
  });
});

describe('URLs', () => {
  const policy = new AddressPolicy();
  it.each([
    'ftp://example.org/',
    'file:///etc/passwd',
    'data:audio/wav;base64,AAAA',
    'gopher://example.org/',
    'example.org/a.wav',
    '//example.org/',
    'https://',
    'http://me@example.org/',
    'http://me:secret@example.org/',
    'http://example.org:22/',
    'http://example.org:6/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://017700000001/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://①②⑦.0.0.1/',
    `https://example.org/${'a'.repeat(2048)}`,
    '',
  ])('refuses %s', (url) => {
    expect(() => checkUrl(url, policy, 'url')).toThrow(
      expect.objectContaining({ code: 'url_not_allowed', param: 'url' }),
    );
  });

  it.each(['https://example.org/a.wav?x=1', 'http://example.org:8080/', 'https://8.8.8.8/'])(
    'takes %s',
    (url) => {
      expect(checkUrl(url, policy).href).toBe(url);
    },
  );
});

describe('requests for clients', () => {
  const servers: Server[] = [];
  const clients: GuardedHttp[] = [];
  let dir: string;
  let storage: LocalStorage;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'malgwi-net-test-'));
    storage = await LocalStorage.open({ dir, keepFreeBytes: 0 });
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true });
  });

  async function serve(listener: RequestListener): Promise<number> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  function client(options: NetOptions = {}): GuardedHttp {
    const http = new GuardedHttp(options);
    clients.push(http);
    return http;
  }
  const here = { allowed: ['127.0.0.1'] };
  const fetched = (http: GuardedHttp, url: string, maxBytes = 2 ** 20, timeoutMs = 5000) =>
    http.fetchToStorage(url, storage, 'audio/fetched', { maxBytes, timeoutMs });
  const nothingKept = async (): Promise<void> => {
    expect(await readdir(join(dir, 'audio')).catch(() => [])).toEqual([]);
  };

  it('fetch a file', async () => {
    let seen: IncomingMessage['headers'] = {};
    const port = await serve((request, response) => {
      seen = request.headers;
      response.end('audio');
    });
    const stored = await fetched(client(here), `http://127.0.0.1:${port}/a.wav`);
    expect(stored).toMatchObject({ key: 'audio/fetched', bytes: 5 });
    expect((await buffer(await storage.get('audio/fetched'))).toString()).toBe('audio');
    expect(seen['user-agent']).toMatch(/^malgwi\//);
    expect(seen['accept-encoding']).toBe('identity');
  });

  it('follow redirects to places that may be reached, and to no other', async () => {
    let asked = 0;
    const port = await serve((request, response) => {
      asked += 1;
      const to = new URL(request.url!, 'http://x').searchParams.get('to');
      if (to === null) response.end('audio');
      else response.writeHead(302, { location: to }).end();
    });
    const base = `http://127.0.0.1:${port}/`;
    const http = client(here);
    expect((await fetched(http, `${base}?to=/second`)).bytes).toBe(5);
    for (const to of [
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1/',
      'file:///etc/passwd',
      `http://user:secret@127.0.0.1:${port}/`,
      'http://127.0.0.1:22/',
    ]) {
      await expect(fetched(http, `${base}?to=${encodeURIComponent(to)}`)).rejects.toMatchObject({
        code: 'url_not_allowed',
      });
    }
    asked = 0;
    const loop = await serve((_request, response) => {
      asked += 1;
      response.writeHead(307, { location: '/' }).end();
    });
    await expect(fetched(http, `http://127.0.0.1:${loop}/`)).rejects.toMatchObject({
      code: 'url_fetch_failed',
    });
    expect(asked).toBe(6);
  });

  it('look at what a name means, and connect to just that', async () => {
    let asked = 0;
    const port = await serve((_request, response) => {
      asked += 1;
      response.end('inside');
    });
    const answers: string[][] = [];
    const resolve: NetOptions['resolve'] = (_name, done) =>
      done(
        null,
        (answers.shift() ?? ['127.0.0.1']).map((address) => ({
          address,
          family: address.includes(':') ? 6 : 4,
        })),
      );
    const url = `http://rebound.example:${port}/`;
    for (const inside of [['127.0.0.1'], ['169.254.169.254'], ['::1'], ['::ffff:127.0.0.1', '10.0.0.1']]) {
      answers.push(inside);
      await expect(fetched(client({ resolve }), url)).rejects.toMatchObject({ code: 'url_not_allowed' });
    }
    expect(asked).toBe(0);
    // Allowed only because the address is listed; one answer is asked for, whatever the next would be.
    answers.push(['127.0.0.1', '10.0.0.1'], ['169.254.169.254']);
    expect((await fetched(client({ ...here, resolve }), url)).bytes).toBe(6);
    expect(answers).toEqual([['169.254.169.254']]);
    await nothingKept().catch(() => undefined);
  });

  it('refuse the names of this machine', async () => {
    const port = await serve((_request, response) => response.end('inside'));
    await expect(fetched(client(), `http://localhost:${port}/`)).rejects.toMatchObject({
      code: 'url_not_allowed',
    });
  });

  it('are bounded in size, told or not', async () => {
    const told = await serve((_request, response) => response.end(Buffer.alloc(3000)));
    const untold = await serve((_request, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(1000)), 1);
      response.on('close', () => clearInterval(timer));
    });
    for (const port of [told, untold]) {
      await expect(fetched(client(here), `http://127.0.0.1:${port}/`, 2000)).rejects.toMatchObject({
        code: 'file_too_large',
      });
    }
    await nothingKept();
  });

  it('are bounded in time', async () => {
    const silent = await serve(() => undefined);
    const slow = await serve((_request, response) => {
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    });
    for (const port of [silent, slow]) {
      await expect(fetched(client(here), `http://127.0.0.1:${port}/`, 2000, 300)).rejects.toMatchObject({
        code: 'url_unavailable',
      });
    }
    await nothingKept();
  });

  it('end with the signal', async () => {
    const port = await serve(() => undefined);
    const controller = new AbortController();
    const fetching = client(here).fetchToStorage(`http://127.0.0.1:${port}/`, storage, 'audio/fetched', {
      maxBytes: 1000,
      timeoutMs: 5000,
      signal: controller.signal,
    });
    const reason = new Error('cancelled');
    setTimeout(() => controller.abort(reason), 50);
    await expect(fetching).rejects.toBe(reason);
  });

  it('take nothing that unpacks to more than it seems, and no half a file', async () => {
    const packed = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(100_000)));
    });
    await expect(fetched(client(here), `http://127.0.0.1:${packed}/`)).rejects.toMatchObject({
      code: 'url_fetch_failed',
    });
    const cut = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('half');
      setTimeout(() => response.destroy(), 50);
    });
    await expect(fetched(client(here), `http://127.0.0.1:${cut}/`)).rejects.toMatchObject({
      code: 'url_unavailable',
    });
    await nothingKept();
  });

  it.each([
    [404, 'url_fetch_failed'],
    [401, 'url_fetch_failed'],
    [206, 'url_fetch_failed'],
    [429, 'url_unavailable'],
    [503, 'url_unavailable'],
  ])('say of status %i: %s', async (status, code) => {
    const port = await serve((_request, response) => response.writeHead(status).end('x'.repeat(100_000)));
    await expect(fetched(client(here), `http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code });
  });

  it('say that a place cannot be reached', async () => {
    const port = await serve(() => undefined);
    servers[0].close();
    await expect(fetched(client(here), `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'url_unavailable',
    });
    const resolve: NetOptions['resolve'] = (_name, done) => done(new Error('ENOTFOUND'), []);
    await expect(fetched(client({ resolve }), 'http://nowhere.example/')).rejects.toMatchObject({
      code: 'url_unavailable',
    });
  });

  describe('webhooks', () => {
    const secret = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;
    const job: Job = {
      id: `job_${'0'.repeat(32)}`,
      spec: {
        source: { type: 'object', key: 'audio/a', bytes: 1 },
        name: '강의.wav',
        model: 'malgwi-ko',
        options: {},
        outputs: ['json'],
        priority: 'normal',
        owner: 'nobody’s business',
        webhook: 'https://example.org/',
      },
      state: 'completed',
      createdAt: 1000,
      finishedAt: 5000,
      attempts: 1,
      progress: { doneSeconds: 1 },
      resultKey: 'results/a.json',
    };
    const send = (url: string, options: NetOptions = here): Promise<void> =>
      webhookNotifier(client(options), secret)(
        { job, url, messageId: `${job.id}.1`, attempt: 1 },
        new AbortController().signal,
      );

    it('are signed, as receivers check it', async () => {
      let body = '';
      let headers: Record<string, string> = {};
      const port = await serve(async (request, response) => {
        headers = request.headers as Record<string, string>;
        body = await text(request);
        response.writeHead(204).end();
      });
      await send(`http://127.0.0.1:${port}/hook`);
      const payload = new Webhook(secret).verify(body, headers) as Record<string, unknown>;
      expect(payload).toMatchObject({
        type: 'job.completed',
        timestamp: '1970-01-01T00:00:05.000Z',
        data: { id: job.id, state: 'completed', name: '강의.wav' },
      });
      expect(headers).toMatchObject({
        'webhook-id': `${job.id}.1`,
        'content-type': 'application/json',
      });
      expect(body).not.toContain('nobody');
      expect(() => new Webhook(secret).verify(body.replace('completed', 'failed'), headers)).toThrow();
    });

    it('do not arrive where the receiver says no, or sends them on', async () => {
      let inside = 0;
      const target = await serve((_request, response) => {
        inside += 1;
        response.end();
      });
      for (const status of [301, 307, 400, 410, 500]) {
        const port = await serve((_request, response) =>
          response.writeHead(status, { location: `http://127.0.0.1:${target}/` }).end(),
        );
        await expect(send(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
          code: 'url_fetch_failed',
        });
      }
      expect(inside).toBe(0);
    });

    it('never go to private addresses', async () => {
      let inside = 0;
      const port = await serve((_request, response) => {
        inside += 1;
        response.end();
      });
      const resolve: NetOptions['resolve'] = (_name, done) =>
        done(null, [{ address: '127.0.0.1', family: 4 }]);
      for (const url of [
        `http://127.0.0.1:${port}/`,
        'http://169.254.169.254/',
        `http://inside.example:${port}/`,
      ]) {
        await expect(send(url, { resolve })).rejects.toMatchObject({ code: 'url_not_allowed' });
      }
      expect(inside).toBe(0);
    });
  });
});

/** Receives webhooks; refuses every eleventh, which then has to come again. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export async function openReceiver() {
  /** By message id: the job's id and state, and how often it was told. */
  const messages = new Map();
  let count = 0;
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const refused = ++count % 11 === 0;
      response.writeHead(refused ? 503 : 204).end();
      if (refused) return;
      const id = request.headers['webhook-id'];
      const times = (messages.get(id)?.times ?? 0) + 1;
      messages.set(id, { body: JSON.parse(Buffer.concat(chunks).toString()), times });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    messages,
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

// A receiver of webhooks. It verifies each message, and forgets those that it has seen.
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const maxBytes = 100_000;
const seen = new Set(); // in production: a table with a unique column, written with the effect of the message

async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error('The body is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString(); // the text as it was sent: the signature is of these bytes
}

async function receive(request, response) {
  let message;
  try {
    message = webhook.verify(await bodyOf(request), request.headers);
  } catch (error) {
    console.error(`Refused: ${error.message}`);
    response.writeHead(400).end();
    return;
  }
  const id = request.headers['webhook-id'];
  if (!seen.has(id)) {
    seen.add(id);
    console.log(message.type, JSON.stringify(message.data)); // your own code: keep it short, or queue the message
  }
  response.writeHead(204).end();
}

const port = Number(process.env.PORT ?? 4100);
const server = createServer(receive).listen(port, '127.0.0.1', () => {
  console.log(`Listening at http://127.0.0.1:${server.address().port}/`);
});

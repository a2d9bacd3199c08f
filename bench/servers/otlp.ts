/** A receiver of traces that reads and discards them. */
import { createServer } from 'node:http';

createServer((request, response) => {
  request.resume();
  request.once('end', () => response.end());
  // biome-ignore lint/style/noProcessEnv: a setting of the benchmark
}).listen(Number(process.env.PORT), '127.0.0.1');

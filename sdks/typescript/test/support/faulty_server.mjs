// A real HTTP server on this machine that answers by a script, one entry for each request.
import { createServer } from "node:http";
import { once } from "node:events";

export class FaultyServer {
  #server;
  #script = [];
  // The method, path and headers of every request, and its body as text.
  requests = [];

  static async start() {
    const server = new FaultyServer();
    server.#server = createServer((request, response) => void server.#serve(request, response));
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  // Forget what was asked, and answer so from now on; the last entry stays.
  play(...script) {
    this.#script = script;
    this.requests = [];
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request, response) {
    const act = this.#script.length > 1 ? this.#script.shift() : this.#script[0];
    let body = "";
    for await (const part of request) body += part;
    const { method, url, headers } = request;
    this.requests.push({ method, url, headers, body });
    if (act === "reset") return void request.socket.resetAndDestroy();
    if (act === "hang") return;
    if (act === "truncated") return void cut(response);
    const { status, headers: more = {}, json = {} } = act;
    response.writeHead(status, { "Content-Type": "application/json", ...more });
    response.end(JSON.stringify(json));
  }
}

// The head and half of the body; the line goes down once they have left.
function cut(response) {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "40" });
  response.write('{"total": 1, "healthy"', () => response.destroy());
}

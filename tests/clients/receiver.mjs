// An endpoint for webhooks on a free port. It keeps what comes, and answers what it is told to.
import { createServer } from "node:http";
import { eventually } from "./steps.mjs";

export async function receiver() {
  const taken = [];
  const state = { status: 204 };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      taken.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      response.writeHead(state.status).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/hooks`,
    taken,
    state,
    /** The first message that fits, once it has come. */
    message: (what, fits) => eventually(what, () => taken.find((it) => fits(JSON.parse(it.body), it))),
    close: () => server.close(),
  };
}

// Receives webhooks. WEBHOOK_SECRET is the secret, PORT the port. Needs: npm install standardwebhooks
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const verifier = new Webhook(process.env.WEBHOOK_SECRET);

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  try {
    verifier.verify(body, request.headers);
  } catch {
    response.writeHead(401).end();
    return;
  }
  // The same webhook-id may come again: do its work once.
  console.log(request.headers["webhook-id"], body);
  response.writeHead(204).end();
});
server.listen(process.env.PORT, "127.0.0.1", () => console.log("listening on", `127.0.0.1:${server.address().port}`));

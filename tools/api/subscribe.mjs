// Runs operations over one connection and prints what comes, a JSON object a line: {name, next | error | complete}.
// Standard input: {protocol: "ws" | "sse", url, key?, operations: [{name, query, variables?, take?}]}. `take` is for those
// that do not end by themselves: where an operation's end comes with what it is left at, graphql-ws counts it as two, and
// closes the connection under another.
import { readFileSync } from "node:fs";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";

const { protocol, url, key, operations } = JSON.parse(readFileSync(0, "utf8"));
const authorization = key ? { authorization: `Bearer ${key}` } : {};
const told = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const client =
  protocol === "ws"
    ? createWs({
        url,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: authorization,
        on: { closed: ({ code, reason }) => told({ closed: code, reason }) },
      })
    : createSse({ url, retryAttempts: 0, headers: authorization });

await Promise.all(
  operations.map(
    ({ name, query, variables, take }) =>
      new Promise((resolve) => {
        let left = take;
        const stop = client.subscribe(
          { query, variables },
          {
            next: (next) => {
              told({ name, next });
              left -= 1;
              if (left === 0) stop();
            },
            error: (error) => {
              told({ name, error: Array.isArray(error) ? error : String(error.reason ?? error.message ?? error) });
              resolve();
            },
            complete: () => {
              told({ name, complete: true });
              resolve();
            },
          },
        );
      }),
  ),
);
client.dispose();

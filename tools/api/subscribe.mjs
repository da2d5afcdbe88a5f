// Runs operations over one connection and prints events as one JSON object per line: {name, next | error | complete}.
// Standard input: {protocol: "ws" | "sse", url, key?, operations: [{name, query, variables?, take?}]}. `take` is the number
// of events after which to unsubscribe. Use it only for operations that do not end by themselves: if an operation ends
// while it is unsubscribed, graphql-ws counts two ends and closes the connection while others still use it.
import { readFileSync } from "node:fs";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";

const { protocol, url, key, operations } = JSON.parse(readFileSync(0, "utf8"));
const authorization = key ? { authorization: `Bearer ${key}` } : {};
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const client =
  protocol === "ws"
    ? createWs({
        url,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: authorization,
        on: { closed: ({ code, reason }) => print({ closed: code, reason }) },
      })
    : createSse({ url, retryAttempts: 0, headers: authorization });

await Promise.all(
  operations.map(
    ({ name, query, variables, take }) =>
      new Promise((resolve) => {
        let remaining = take;
        const stop = client.subscribe(
          { query, variables },
          {
            next: (next) => {
              print({ name, next });
              remaining -= 1;
              if (remaining === 0) stop();
            },
            error: (error) => {
              print({ name, error: Array.isArray(error) ? error : String(error.reason ?? error.message ?? error) });
              resolve();
            },
            complete: () => {
              print({ name, complete: true });
              resolve();
            },
          },
        );
      }),
  ),
);
client.dispose();

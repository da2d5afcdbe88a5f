// A storefront: follows its visitor from a cookie to a known customer. `node build/storefront.js COOKIE`
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import type { VisitorSubscription } from "./generated/graphql.js";
import { graphql } from "./generated/index.js";
import { documentId, HEADERS, URL_OF_KITH } from "./kith.js";

const visitor = graphql(`
  subscription Visitor($cookie: String!) {
    customerChanged(by: { identifier: { namespace: "cookie", value: $cookie } }) {
      id
      known
      orders(first: 3) {
        nodes {
          number
          placedAt
          lines {
            name
            sku
          }
        }
      }
    }
  }
`);

const [cookie = ""] = process.argv.slice(2);
const client = createClient({
  url: URL_OF_KITH.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: HEADERS,
});

function greet(data: VisitorSubscription): boolean {
  const customer = data.customerChanged;
  if (!customer) console.log("a new visitor");
  else if (!customer.known) console.log("a visitor we have seen before");
  else {
    const bought = customer.orders.nodes.flatMap((order) => order.lines.map((line) => line.name ?? line.sku));
    console.log(`a customer who bought ${bought.join(", ") || "nothing yet"}`);
  }
  return customer?.known ?? false;
}

// Trusted documents travel by name; graphql-ws still wants the field `query`.
const payload = { query: "", variables: { cookie }, documentId: documentId(visitor as never) };
for await (const { data } of client.iterate<VisitorSubscription>(payload)) {
  if (data && greet(data)) break;
}
await client.dispose();

// A storefront that subscribes to its visitor, from a cookie to a known customer: `node build/storefront.js COOKIE`
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import type { VisitorSubscription } from "./generated/graphql.js";
import { graphql } from "./generated/index.js";
import { documentId, HEADERS, KITH_URL } from "./kith.js";

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
  url: KITH_URL.replace(/^http/, "ws"),
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

// Trusted documents are sent by their hash; graphql-ws requires the field `query` nevertheless.
const payload = { query: "", variables: { cookie }, documentId: documentId(visitor as never) };
for await (const { data } of client.iterate<VisitorSubscription>(payload)) {
  if (data && greet(data)) break;
}
await client.dispose();

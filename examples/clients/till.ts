// A till: who holds this card, and here is what they bought. `node build/till.js CARD ORDER TOTAL`
import { graphql } from "./generated/index.js";
import { ask } from "./kith.js";

const whoHolds = graphql(`
  query WhoHolds($card: String!) {
    customer(by: { identifier: { namespace: "loyalty_card", value: $card } }) {
      id
      known
      metrics {
        orders
        revenue {
          amount
          currency
        }
      }
    }
  }
`);

const bought = graphql(`
  mutation Bought($order: OrderInput!) {
    recordOrders(input: { orders: [$order] }) {
      results {
        __typename
        ... on ObservationAccepted {
          customerId
        }
        ... on Refused {
          problem {
            code
            message
          }
        }
      }
    }
  }
`);

const [card = "", number = "", total = ""] = process.argv.slice(2);
const before = (await ask(whoHolds, { card })).customer;
console.log(before ? `welcome back: ${before.metrics.orders} orders so far` : "a new customer");

const now = new Date().toISOString();
const identifiers = [{ namespace: "loyalty_card", value: card }];
const order = { number: `till-1/${number}`, source: "till", placedAt: now, statedAt: now, currency: "EUR", total };
const [result] = (await ask(bought, { order: { ...order, identifiers } })).recordOrders.results;
if (result?.__typename === "Refused") {
  console.log(`refused: ${result.problem.code}: ${result.problem.message}`);
  process.exit(1);
}

const after = (await ask(whoHolds, { card })).customer;
const revenue = after?.metrics.revenue.map((one) => `${one.amount} ${one.currency}`).join(", ");
console.log(`${after?.metrics.orders} orders, ${revenue}`);

// A till that looks up the customer of a card and records an order: `node build/till.js CARD ORDER TOTAL`
import { graphql } from "./generated/index.js";
import { execute } from "./kith.js";

const lookUpCard = graphql(`
  query LookUpCard($card: String!) {
    customer(by: { identifier: { namespace: "loyalty_card", value: $card } }) {
      id
      known
      metrics {
        orderCount
        revenue {
          amount
          currency
        }
      }
    }
  }
`);

const recordOrder = graphql(`
  mutation RecordOrder($order: OrderInput!) {
    recordOrders(input: { orders: [$order] }) {
      results {
        __typename
        ... on ObservationAccepted {
          id
        }
        ... on Rejected {
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
const before = (await execute(lookUpCard, { card })).customer;
console.log(before ? `welcome back: ${before.metrics.orderCount} orders so far` : "a new customer");

const now = new Date().toISOString();
const identifiers = [{ namespace: "loyalty_card", value: card }];
const order = { number: `till-1/${number}`, source: "till", placedAt: now, reportedAt: now, currency: "EUR", total };
const [result] = (await execute(recordOrder, { order: { ...order, identifiers } })).recordOrders.results;
if (result?.__typename === "Rejected") {
  console.log(`rejected: ${result.problem.code}: ${result.problem.message}`);
  process.exit(1);
}

const after = (await execute(lookUpCard, { card })).customer;
const revenue = after?.metrics.revenue.map((money) => `${money.amount} ${money.currency}`).join(", ");
console.log(`${after?.metrics.orderCount} orders, ${revenue}`);

// A peer of bench.view: @neo4j/graphql with Apollo Server over the same database: node server.mjs URI PORT
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { Neo4jGraphQL } from "@neo4j/graphql";
import neo4j from "neo4j-driver";
import net from "node:net";

// Without this, each message to the database waits some 40 ms until the previous message is acknowledged.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...options) {
  this.setNoDelay(true);
  return connect.apply(this, options);
};

const [uri, port] = process.argv.slice(2);

const typeDefs = `#graphql
  type Identifier @node {
    key: String!
    namespace: String!
    value: String!
    first_seen_at: BigInt
    last_seen_at: BigInt
    facts: String
    placed_at: BigInt
    customers: [Customer!]! @relationship(type: "IDENTIFIES", direction: OUT)
    linked: [Identifier!]! @relationship(type: "LINKED", direction: OUT, properties: "Linked")
  }
  type Linked @relationshipProperties {
    state: String!
    observation_count: Int!
    last_seen_at: BigInt
  }
  type Customer @node {
    id: String!
    created_at: BigInt!
    order_totals: String!
    identifiers: [Identifier!]! @relationship(type: "IDENTIFIES", direction: IN)
  }
`;

const driver = neo4j.driver(uri);
const schema = await new Neo4jGraphQL({ typeDefs, driver }).getSchema();
const server = new ApolloServer({ schema, csrfPrevention: false, introspection: false });
await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: Number(port) } });

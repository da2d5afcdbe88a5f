// The same database, read by @neo4j/graphql with Apollo Server: node server.mjs URI PORT
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { Neo4jGraphQL } from "@neo4j/graphql";
import neo4j from "neo4j-driver";
import net from "node:net";

// Without this each message to the database waits some 40 ms for the one before to be acknowledged.
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
    first_seen: BigInt
    last_seen: BigInt
    facts: String
    placed_at: BigInt
    customers: [Customer!]! @relationship(type: "IDENTIFIES", direction: OUT)
    linked: [Identifier!]! @relationship(type: "LINKED", direction: OUT, properties: "Linked")
  }
  type Linked @relationshipProperties {
    state: String!
    count: Int!
    last_seen: BigInt
  }
  type Customer @node {
    id: String!
    created_at: BigInt!
    figures: String!
    identifiers: [Identifier!]! @relationship(type: "IDENTIFIES", direction: IN)
  }
`;

const driver = neo4j.driver(uri);
const schema = await new Neo4jGraphQL({ typeDefs, driver }).getSchema();
const server = new ApolloServer({ schema, csrfPrevention: false, introspection: false });
await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: Number(port) } });

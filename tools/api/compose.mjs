// Composes subgraphs (files NAME.graphql) and prints the supergraph's SDL, or errors with exit status 1.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

const services = process.argv.slice(2).map((file) => ({
  name: basename(file, ".graphql"),
  url: `http://${basename(file, ".graphql")}/graphql`,
  typeDefs: parse(readFileSync(file, "utf8")),
}));
const { errors, supergraphSdl } = composeServices(services);
if (errors?.length) {
  for (const error of errors) console.error(error.message);
  process.exit(1);
}
console.log(supergraphSdl);

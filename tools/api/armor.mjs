// How long graphql-armor's limits take for documents (a JSON array on standard input), by the schema's SDL: seconds each.
import { readFileSync } from "node:fs";
import { costLimitRule } from "@escape.tech/graphql-armor-cost-limit";
import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import { buildASTSchema, parse, validate } from "graphql";

const schema = buildASTSchema(parse(readFileSync(process.argv[2], "utf8")), { assumeValidSDL: true });
const rules = [costLimitRule({ maxCost: 5000 }), maxDepthRule({ n: 10 }), maxAliasesRule({ n: 30 })];
const told = [];
for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  const began = process.hrtime.bigint();
  let refused = 0;
  try {
    refused = validate(schema, parse(document), rules).length;
  } catch {
    refused = 1; // its rules throw what they find
  }
  told.push({ seconds: Number(process.hrtime.bigint() - began) / 1e9, refused });
}
console.log(JSON.stringify(told));

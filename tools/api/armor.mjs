// Measures how many seconds graphql-armor's limits take for each document of a JSON array on standard input.
// Argument: the file with the schema's SDL.
import { readFileSync } from "node:fs";
import { costLimitRule } from "@escape.tech/graphql-armor-cost-limit";
import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import { buildASTSchema, parse, validate } from "graphql";

const schema = buildASTSchema(parse(readFileSync(process.argv[2], "utf8")), { assumeValidSDL: true });
const rules = [costLimitRule({ maxCost: 5000 }), maxDepthRule({ n: 10 }), maxAliasesRule({ n: 30 })];
const results = [];
for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  const start = process.hrtime.bigint();
  let rejected = 0;
  try {
    rejected = validate(schema, parse(document), rules).length;
  } catch {
    rejected = 1; // its rules throw their errors
  }
  results.push({ seconds: Number(process.hrtime.bigint() - start) / 1e9, rejected });
}
console.log(JSON.stringify(results));

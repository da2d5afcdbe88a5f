// Prints the changes from one SDL to another. The exit status is 1 if one of them breaks clients.
import { readFileSync } from "node:fs";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildASTSchema, parse } from "graphql";

const [before, after] = process.argv
  .slice(2)
  .map((file) => buildASTSchema(parse(readFileSync(file, "utf8")), { assumeValidSDL: true }));
const changes = await diff(before, after);
for (const { criticality, message } of changes) console.log(`${criticality.level}: ${message}`);
process.exit(changes.some(({ criticality }) => criticality.level === CriticalityLevel.Breaking) ? 1 : 0);

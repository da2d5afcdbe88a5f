// Builds the schema of an SDL file with the two current versions of graphql-js; prints the number of types of each.
import { readFileSync } from "node:fs";

const text = readFileSync(process.argv[2], "utf8");
for (const name of ["graphql", "graphql17"]) {
  const { buildSchema, validateSchema, version } = await import(name);
  const schema = buildSchema(text);
  const errors = validateSchema(schema);
  if (errors.length) throw errors[0];
  console.log(`${version} ${Object.keys(schema.getTypeMap()).length}`);
}

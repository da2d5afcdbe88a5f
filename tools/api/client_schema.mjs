// Builds a client's schema from an answer to introspection (JSON on standard input), as GraphiQL and code generators do.
// Prints, with the two current versions of graphql-js, the number of types and how many of some documents are valid.
import { readFileSync } from "node:fs";

const { introspection, documents } = JSON.parse(readFileSync(0, "utf8"));
for (const name of ["graphql", "graphql17"]) {
  const { buildClientSchema, parse, printSchema, validate, validateSchema } = await import(name);
  const schema = buildClientSchema(introspection);
  const errors = validateSchema(schema);
  if (errors.length) throw errors[0];
  if (!printSchema(schema)) throw new Error("the schema is empty");
  // Validation accepts operations of a kind that the schema does not have.
  const isValid = (document) => schema.getRootType(document.definitions[0].operation) && !validate(schema, document).length;
  const valid = documents.filter((text) => isValid(parse(text)));
  console.log(JSON.stringify({ types: Object.keys(schema.getTypeMap()).length, valid }));
}

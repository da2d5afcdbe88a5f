// Runs all audits of graphql-http against a service and prints their table as JSON.
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
const results = await auditServer({ url });
const table = [];
for (const { id, name, status, reason } of results) table.push({ id, name, status, reason });
console.log(JSON.stringify(table));

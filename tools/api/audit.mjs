// Runs all audits of graphql-http against a service and prints the results as JSON.
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
const results = await auditServer({ url });
const rows = [];
for (const { id, name, status, reason } of results) rows.push({ id, name, status, reason });
console.log(JSON.stringify(rows));

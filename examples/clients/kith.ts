// Sends operations to Kith, each by the hash of its trusted document instead of its text.
import type { TypedDocumentString } from "./generated/graphql.js";

export const KITH_URL = process.env["GRAPHQL_URL"] ?? "http://127.0.0.1:8000/graphql";
export const HEADERS: Record<string, string> = process.env["GRAPHQL_KEY"]
  ? { authorization: `Bearer ${process.env["GRAPHQL_KEY"]}` }
  : {};

export class KithError extends Error {}

export function documentId(document: TypedDocumentString<unknown, never>): string {
  const hash: unknown = document.__meta__?.["hash"];
  if (typeof hash !== "string") throw new KithError("the document was generated without its hash");
  return hash.startsWith("sha256:") ? hash : `sha256:${hash}`;
}

export async function execute<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(KITH_URL, {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ documentId: documentId(document as never), variables }),
  });
  const result = (await response.json()) as { data?: Result; errors?: { message: string }[] };
  if (result.errors?.length || !result.data) throw new KithError(result.errors?.map((error) => error.message).join("; "));
  return result.data;
}

// Asks Kith: the name of a trusted document travels instead of its text.
import type { TypedDocumentString } from "./generated/graphql.js";

export const URL_OF_KITH = process.env["KITH_URL"] ?? "http://127.0.0.1:8000/graphql";
export const HEADERS: Record<string, string> = process.env["KITH_KEY"]
  ? { authorization: `Bearer ${process.env["KITH_KEY"]}` }
  : {};

export class KithError extends Error {}

export function documentId(document: TypedDocumentString<unknown, never>): string {
  const hash: unknown = document.__meta__?.["hash"];
  if (typeof hash !== "string") throw new KithError("the document was generated without its hash");
  return hash.startsWith("sha256:") ? hash : `sha256:${hash}`;
}

export async function ask<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(URL_OF_KITH, {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ documentId: documentId(document as never), variables }),
  });
  const answer = (await response.json()) as { data?: Result; errors?: { message: string }[] };
  if (answer.errors?.length || !answer.data) throw new KithError(answer.errors?.map((one) => one.message).join("; "));
  return answer.data;
}

import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema/schema.graphql",
  documents: ["till.ts", "storefront.ts"],
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/": {
      preset: "client",
      // Writes the manifest for `KITH_DOCUMENTS`, so that the service can be restricted to these documents.
      presetConfig: { persistedDocuments: { hashAlgorithm: "sha256" }, fragmentMasking: false },
      config: {
        documentMode: "string",
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { DateTime: "string", Decimal: "string", JSON: "unknown", _Any: "unknown" },
      },
    },
  },
};

export default config;

import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: ["../../schema/schema.graphql", "../../tools/api/federation.graphql"],
  documents: ["till.ts", "storefront.ts"],
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/": {
      preset: "client",
      // The manifest that `KITH_DOCUMENTS` names: the service may then run these documents only.
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

// Lints the committed schema: the recommended rules for schemas, and Relay's.
import graphql from "@graphql-eslint/eslint-plugin";

const recommended = graphql.configs["flat/schema-recommended"].rules;
const relay = graphql.configs["flat/schema-relay"].rules;

const [, defaults] = recommended["@graphql-eslint/naming-convention"];
const FEDERATION = ["[name.value=/^_/]", "[name.value=sdl]", "[name.value=oneOf]"];
const IMPORTED = "^(_|federation__|link__)";
const naming = { ...defaults, allowLeadingUnderscore: true };
for (const kind of ["types", "FieldDefinition"]) {
  const convention = typeof defaults[kind] === "string" ? { style: defaults[kind] } : defaults[kind];
  naming[kind] = { ...convention, ignorePattern: IMPORTED };
}

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema/schema.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...recommended,
      ...relay,
      // Values such as links and problems are not entities and have no id.
      "@graphql-eslint/strict-id-in-types": "off",
      // Connections support forward pagination only, and short lists are plain lists.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false }],
      // Definitions of federation and of the specification's @oneOf have their own names and no descriptions.
      "@graphql-eslint/naming-convention": ["error", naming],
      "@graphql-eslint/require-description": [
        "error",
        { types: true, DirectiveDefinition: true, rootField: true, FieldDefinition: true, ignoredSelectors: FEDERATION },
      ],
    },
  },
];

"""The scopes: what a caller may be allowed to see or do. Roles and tokens grant them, the schema requires them.

The schema requires a scope for each of its fields. No field requires `CONTACT_READ` or `PROFILE_UNMASKED`: without
them, values are masked. Nor does a field require `RESTRICTED_READ`: without it, restricted customers have no values.
`SERVICE_METRICS` is required by a page beside the schema.
"""

ANY = "any"
"""Held by every caller: what reveals nothing about a person or the rules."""
NOBODY = "nobody"
"""Held by no caller: what a field without a rule requires."""

SCHEMA_READ = "schema:read"
CATALOG_READ = "catalog:read"
CUSTOMER_READ = "customer:read"
CUSTOMER_LOOKUP = "customer:look-up"
CUSTOMER_WATCH = "customer:watch"
CUSTOMER_BATCH = "customer:batch"
CUSTOMER_AT_TIME = "customer:at-time"
CUSTOMER_SEARCH = "customer:search"
IDENTIFIER_READ = "identifier:read"
CONTACT_READ = "contact:read"
NAME_READ = "name:read"
PROFILE_READ = "profile:read"
PROFILE_UNMASKED = "profile:unmasked"
ORDER_READ = "order:read"
ORDER_COUNT = "order:count"
METRICS_READ = "metrics:read"
INSIGHTS_READ = "insights:read"
BEHAVIOR_READ = "behavior:read"
BEHAVIOR_TEXT = "behavior:text"
MEMBERSHIP_READ = "membership:read"
CONSENT_READ = "consent:read"
CONSENT_OF_ADDRESS = "consent:address"
GRAPH_READ = "graph:read"
HISTORY_READ = "history:read"
CHANGES_READ = "changes:read"
OBSERVATION_WRITE = "observation:write"
OBSERVATION_RESULT = "observation:result"
OBSERVATION_CUSTOMER = "observation:customer"
OBSERVATION_ID = "observation:id"
CONSENT_WRITE = "consent:write"
CONSENT_PROOF = "consent:proof"
OBSERVATION_REVOKE = "observation:revoke"
SOURCE_READ = "source:read"
SOURCE_REVOKE = "source:revoke"
OVERRIDE_WRITE = "override:write"
PRODUCT_WRITE = "product:write"
SEGMENT_READ = "segment:read"
SEGMENT_WRITE = "segment:write"
SEGMENT_MEMBERS = "segment:members"
AUDIENCE_WRITE = "audience:write"
DESTINATION_READ = "destination:read"
DESTINATION_MANAGE = "destination:manage"
RFM_CALCULATE = "rfm:calculate"
SERVICE_METRICS = "service:metrics"
RULES_READ = "rules:read"
RULES_PREVIEW = "rules:preview"
RULES_APPLY = "rules:apply"
AUDIT_READ = "audit:read"
ERASURE_READ = "erasure:read"
ERASURE_WRITE = "erasure:write"
ERASURE_ACKNOWLEDGE = "erasure:acknowledge"
SUBJECT_EXPORT = "subject:export"
RESTRICTION_WRITE = "restriction:write"
RESTRICTED_READ = "restricted:read"
REFUSED_READ = "refused:read"
REFUSED_WRITE = "refused:write"
RETENTION_READ = "retention:read"
RETENTION_RUN = "retention:run"
PROCESSING_READ = "processing:read"

DESCRIPTIONS = {
    ANY: "Ask who one is, and read what surrounds other data: pages, problems, amounts of money.",
    SCHEMA_READ: "Read the whole schema as a subgraph of Apollo Federation.",
    CATALOG_READ: "Read products, and which attributes, purposes and channels exist.",
    CUSTOMER_READ: "Read the id of a customer, and whether it is known.",
    CUSTOMER_LOOKUP: "Look up a customer by an id or an identifier.",
    CUSTOMER_WATCH: "Follow the changes of a customer.",
    CUSTOMER_BATCH: "Look up several customers at once.",
    CUSTOMER_AT_TIME: "Look up a customer as it was recorded at an earlier time.",
    CUSTOMER_SEARCH: "Search for customers by words.",
    IDENTIFIER_READ: "Read the identifiers of a customer, with addresses masked.",
    CONTACT_READ: "Read identifiers unmasked.",
    NAME_READ: "Read the name of a customer.",
    PROFILE_READ: "Read all attributes of a customer, with values masked.",
    PROFILE_UNMASKED: "Read the values of attributes unmasked.",
    ORDER_READ: "Read orders and their lines.",
    ORDER_COUNT: "Read how many orders a customer has.",
    METRICS_READ: "Read revenue and other metrics of a customer's orders.",
    INSIGHTS_READ: "Read RFM scores and predictions of a customer.",
    BEHAVIOR_READ: "Read interactions and what is derived from them: timeline, engagement, journey, favorites.",
    BEHAVIOR_TEXT: "Read the texts and properties of interactions.",
    MEMBERSHIP_READ: "Read the segments of a customer, also those of other systems.",
    CONSENT_READ: "Read the consents of a customer.",
    CONSENT_OF_ADDRESS: "Read the consent of one address.",
    GRAPH_READ: "Read links, overrides, possible matches, and why identifiers are one customer; find problems.",
    HISTORY_READ: "Read the reasons and identifiers of changes.",
    CHANGES_READ: "Follow the changes of the graph, without values of identifiers.",
    OBSERVATION_WRITE: "Record observations, orders, attributes, interactions and external segments.",
    OBSERVATION_RESULT: "Learn whether an observation was stored before.",
    OBSERVATION_CUSTOMER: "Learn from the answer of a write which customer an observation belongs to.",
    OBSERVATION_ID: "Read which observation reports a fact, so that it can be revoked.",
    CONSENT_WRITE: "Record consent decisions, and the texts that people see.",
    CONSENT_PROOF: "Read how and through whom consent decisions were collected, also revoked ones.",
    OBSERVATION_REVOKE: "Revoke observations.",
    SOURCE_READ: "Read which sources were revoked.",
    SOURCE_REVOKE: "Revoke and restore all observations of a source.",
    OVERRIDE_WRITE: "Keep identifiers together or apart, block identifiers, undo merges.",
    PRODUCT_WRITE: "Record products.",
    SEGMENT_READ: "Read segments and their sizes.",
    SEGMENT_WRITE: "Create, update, delete and preview segments.",
    SEGMENT_MEMBERS: "Read the members of a segment.",
    AUDIENCE_WRITE: "Create, preview and end audiences: send segments to destinations.",
    DESTINATION_READ: "Read destinations and audiences, and how sending to them goes.",
    DESTINATION_MANAGE: "Pause, resume and resynchronize destinations; read and decide about what they refused.",
    RFM_CALCULATE: "Recalculate RFM scores.",
    RULES_READ: "Read the rules.",
    RULES_PREVIEW: "Preview other rules and simulate scenarios.",
    RULES_APPLY: "Apply rules.",
    SERVICE_METRICS: "Read the metrics of the service, at `/metrics`.",
    AUDIT_READ: "Read who accessed the data of a person.",
    ERASURE_READ: "Read what was erased, and which orders are kept without a person.",
    ERASURE_WRITE: "Plan and carry out erasures, suppress identifiers and let them be stored again.",
    ERASURE_ACKNOWLEDGE: "Confirm that a service has erased its copies.",
    SUBJECT_EXPORT: "Export everything that is stored about a person, unmasked.",
    RESTRICTION_WRITE: "Restrict customers, lift restrictions, and list them.",
    RESTRICTED_READ: "Read the data of customers whose processing is restricted.",
    REFUSED_READ: "Read which records of sources were refused, with values for those who see all values.",
    REFUSED_WRITE: "Delete refused records.",
    RETENTION_READ: "Read how long data is kept, and how much has expired.",
    RETENTION_RUN: "Remove what has expired.",
    PROCESSING_READ: "Read the record of processing activities: purposes, legal bases, callers, retention.",
}
"""What each scope allows."""
EVERY = frozenset(DESCRIPTIONS)
"""All scopes that can be granted."""

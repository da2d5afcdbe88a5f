"""The cost model: 1 per object that an answer may contain, and more for fields that read more than they return.

The length of a list is its page size, the number of items sent, or the size assumed here. Scalars cost nothing: they
are read with their object. The model follows IBM's cost directives
(https://ibm.github.io/graphql-specs/cost-spec.html), but the weights are defined here instead of in the schema.
"""

MAX_ITEMS = 1_000
"""The largest size that a page or a batch is counted with; the field itself rejects larger ones."""
ASSUMED_SIZE = 3
"""The assumed length of a list without a page size, unless `LIST_SIZES` has an entry for it."""

SIZED_BY_PARENT = frozenset({"nodes", "edges", "results", "sample"})
"""Fields of connections, payloads and previews whose length is the size requested from their parent field."""

BATCH_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "Mutation.linkIdentifiers": ("input", "observations"),
    "Mutation.recordOrders": ("input", "orders"),
    "Mutation.recordAttributes": ("input", "attributes"),
    "Mutation.recordProducts": ("input", "products"),
    "Mutation.recordExternalSegments": ("input", "segments"),
    "Mutation.recordInteractions": ("input", "interactions"),
    "Mutation.recordConsents": ("input", "consents"),
    "Mutation.recordConsentTexts": ("input", "texts"),
    "Mutation.revokeObservations": ("input", "observations"),
    "Query.customers": ("by",),
    "Query.nodes": ("ids",),
    "Query._entities": ("representations",),
}
"""The path to the input list of each field that returns one result per item."""

WEIGHTS: dict[str, int] = {
    "Customer.favorites": 100,
    "Customer.contactableAddresses": 100,
    "Customer.undeliverableAddresses": 100,
    "Query.contactable": 100,
    "Customer.segments": 100,
    "Consent.proof": 200,
    "ConsentStatus.proof": 200,
    "Query.previewSegment": 5_000,
    "Query.exportSubject": 5_000,
    "Segment.memberCount": 50,
    "Segment.belowThreshold": 50,
    "Segment.ready": 20,
    "Customer.viewedNotPurchased": 500,
    "Customer.journey": 500,
    "Customer.engagement": 500,
    "Customer.weakestLinks": 100,
    "Query.searchCustomers": 100,
    "Query.why": 100,
    "Query.simulate": 200,
    "Query.graphHealth": 2_000,
    "Query.accessReport": 2_000,
    "Mutation.previewRules": 2_000,
    "Mutation.previewRevokeSource": 2_000,
    "Mutation.previewRestoreSource": 2_000,
    "Mutation.revokeSource": 100,
    "Mutation.restoreSource": 100,
    "Mutation.recalculateRfm": 5_000,
    "Mutation.undoMerge": 200,
}
"""Additional cost of fields that read more than they return."""

LIST_SIZES: dict[str, int] = {
    "Order.lines": 5,
    "Metrics.revenue": 1,
    "Metrics.averageOrderValue": 1,
    "RulesImpact.sampleMerges": 5,
    "RulesImpact.sampleSplits": 5,
    "PreviewSample.groups": 20,
    "ObservationAccepted.merges": 1,
    "ObservationAccepted.droppedIdentifiers": 1,
    "ObservationAccepted.suspendedLinks": 1,
    "ObservationAccepted.excludedLinks": 1,
}
"""The usual length of lists without a page size."""

"""What an answer costs: the objects that it may hold, and more for what reads more than it answers.

A field of objects costs 1 an object; a list counts as many as its page size, or the items that were sent, or the size
assumed here. Values cost nothing: they come with their object. The model is that of IBM's cost directives
(https://ibm.github.io/graphql-specs/cost-spec.html) with its weights kept here instead of in the schema.
"""

MOST_ITEMS = 1_000
"""What a page size or a batch counts for at most: more is refused by the field itself."""
ASSUMED = 3
"""Objects of a list that has no page size, unless `SIZES` says otherwise."""

SIZED = frozenset({"nodes", "edges", "results"})
"""Fields of connections and payloads that hold as many objects as the field above them was asked for."""

BATCHES: dict[str, tuple[str, ...]] = {
    "Mutation.linkIdentifiers": ("input", "observations"),
    "Mutation.recordOrders": ("input", "orders"),
    "Mutation.recordAttributes": ("input", "statements"),
    "Mutation.recordProducts": ("input", "products"),
    "Mutation.recordOutsideSegments": ("input", "segments"),
    "Mutation.recordInteractions": ("input", "interactions"),
    "Mutation.recordConsents": ("input", "decisions"),
    "Mutation.revokeObservations": ("input", "observations"),
    "Query.customers": ("by",),
    "Query.nodes": ("ids",),
    "Query._entities": ("representations",),
}
"""Where the items are that a field answers one by one."""

WEIGHTS: dict[str, int] = {
    "Customer.favourites": 100,
    "Customer.segments": 100,
    "Query.previewSegment": 5_000,
    "Segment.count": 50,
    "Segment.filled": 20,
    "Customer.viewedNotBought": 500,
    "Customer.journey": 500,
    "Customer.habits": 500,
    "Customer.weakestLinks": 100,
    "Query.searchCustomers": 100,
    "Query.why": 100,
    "Query.simulate": 200,
    "Query.graphHealth": 2_000,
    "Mutation.previewRules": 2_000,
    "Mutation.countCustomers": 5_000,
    "Mutation.undoChange": 200,
}
"""What reads more than it answers."""

SIZES: dict[str, int] = {
    "Order.lines": 5,
    "Metrics.revenue": 1,
    "Metrics.averageOrderValue": 1,
    "ObservationAccepted.merges": 1,
    "ObservationAccepted.dropped": 1,
    "ObservationAccepted.suspended": 1,
    "ObservationAccepted.idle": 1,
}
"""How many objects a list usually holds."""

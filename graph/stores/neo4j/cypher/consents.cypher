// The consent decisions in effect at identifiers.

// name: consents_at
// Returns the decisions that count for `keys`.
UNWIND $params.keys AS key
MATCH (:Identifier {key: key})<-[t:REPORTED {kind: 'consent'}]-(o:Observation)
RETURN collect([key, t.at, o.source, o.id, o.tier, o.sent]) AS rows;

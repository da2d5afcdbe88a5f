// name: save_refused_records
// Stores refused records, in the order of their ids. One that is stored already was delivered again. Of each source
// only the newest `most` stay; returns how many went.
UNWIND $rows AS row
MERGE (r:RefusedRecord {id: row.id})
ON CREATE SET r = row
ON MATCH SET r.mapping = row.mapping, r.message = row.message, r.path = row.path, r.record_id = row.record_id,
  r.beside = row.beside, r.count = r.count + row.count,
  r.received_at = CASE WHEN row.received_at < r.received_at THEN row.received_at ELSE r.received_at END,
  r.last_received_at = CASE WHEN row.last_received_at > r.last_received_at THEN row.last_received_at
    ELSE r.last_received_at END
WITH DISTINCT row.source AS source
CALL (source) {
  MATCH (r:RefusedRecord) WHERE r.source = source AND r.last_received_at > -1
  WITH r ORDER BY r.last_received_at DESC, r.id DESC SKIP $most
  DELETE r
  RETURN count(*) AS removed
}
RETURN sum(removed) AS removed;

// name: refused_records
// Returns a page of refused records, newest first. Filters are null where they allow everything.
MATCH (r:RefusedRecord)
WHERE ($source IS NULL OR r.source = $source) AND ($code IS NULL OR r.code = $code)
  AND r.last_received_at >= $since
  AND ($at IS NULL OR r.last_received_at < $at OR (r.last_received_at = $at AND r.id < $id))
WITH r ORDER BY r.last_received_at DESC, r.id DESC LIMIT $first
RETURN CASE WHEN $with_content THEN r{.*} ELSE r{.*, content: '', beside: ''} END AS values;

// name: refused_records_with
// Returns refused records by id.
MATCH (r:RefusedRecord) WHERE r.id IN $ids
RETURN r{.*} AS values ORDER BY r.id;

// name: refused_counts
// Counts refused records and their deliveries by source and code.
MATCH (r:RefusedRecord)
RETURN r.source AS source, r.code AS code, count(*) AS records, sum(r.count) AS deliveries,
  max(r.last_received_at) AS last_received_at
ORDER BY source, code;

// name: delete_refused_records
// Deletes refused records by id.
MATCH (r:RefusedRecord) WHERE r.id IN $ids
DELETE r
RETURN count(*) AS removed;

// name: delete_old_refused_records
// Deletes some of the refused records that were not delivered any more since a time, the oldest first.
MATCH (r:RefusedRecord) WHERE r.last_received_at < $before
WITH r ORDER BY r.last_received_at LIMIT $first
DELETE r
RETURN count(*) AS removed;

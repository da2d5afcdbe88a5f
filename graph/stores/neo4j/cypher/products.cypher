// name: put_products
// What sources say of articles: of each the newest statement counts, of the same time that of the smaller source. Locked
// in the order of their numbers.
UNWIND $rows AS row
MERGE (p:Product {sku: row.sku})
SET p.locked = true
WITH p, row, p.stated_at IS NULL OR row.stated_at > p.stated_at OR (row.stated_at = p.stated_at AND row.source <= p.source) AS newer
FOREACH (_ IN CASE WHEN newer THEN [1] ELSE [] END | SET p = row)
RETURN row.sku AS sku, newer;

// name: products
// Articles by their numbers.
UNWIND $skus AS sku
MATCH (p:Product {sku: sku})
RETURN p;

// name: save_products
// Stores products as sources describe them. The newest description of a product is current; if two have the same time,
// that of the smaller source. Locks products in the order of their SKUs.
UNWIND $rows AS row
MERGE (p:Product {sku: row.sku})
SET p.locked = true
WITH p, row, p.reported_at IS NULL OR row.reported_at > p.reported_at
  OR (row.reported_at = p.reported_at AND row.source <= p.source) AS newer
FOREACH (_ IN CASE WHEN newer THEN [1] ELSE [] END | SET p = row)
RETURN row.sku AS sku, newer;

// name: products
// Returns products by SKU.
UNWIND $skus AS sku
MATCH (p:Product {sku: sku})
RETURN p;

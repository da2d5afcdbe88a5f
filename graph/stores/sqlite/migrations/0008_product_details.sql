-- What a PIM reports of a product beside its name, brand and categories: the description, images, prices, attributes
-- and more, as JSON. What is not stated is left out.
ALTER TABLE products ADD COLUMN details TEXT NOT NULL DEFAULT '{}';

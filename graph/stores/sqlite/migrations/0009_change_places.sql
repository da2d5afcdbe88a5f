-- The history of a customer in the order of timelines, so that a page reads no more than it shows.
DROP INDEX changes_of_customer;
DROP INDEX changes_of_other;
CREATE INDEX changes_of_customer ON changes (customer, at, no);
CREATE INDEX changes_of_other ON changes (other, at, no) WHERE other <> '';

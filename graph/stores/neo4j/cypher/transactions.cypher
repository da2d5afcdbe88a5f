// The service's own transactions on the server. Their names are in their metadata, as `kith`; those of one process begin
// alike. Any user may see and end transactions of their own.

// name: own_transactions
// Lists the transactions of this process, whether they run a query, or wait for their client.
SHOW TRANSACTIONS YIELD transactionId, metaData, currentQueryId
WHERE metaData.kith STARTS WITH $process
RETURN metaData.kith AS name, transactionId AS id, currentQueryId <> '' AS busy;

// name: end_transactions
// Rolls transactions back.
TERMINATE TRANSACTIONS $ids YIELD transactionId RETURN transactionId;

// name: members
// Lists the addresses of the members of a cluster by their roles, those of one server if it has no others.
CALL dbms.routing.getRoutingTable({}, $database) YIELD servers RETURN servers;

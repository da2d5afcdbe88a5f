"""The codes of everything that can be wrong, each with what it means: in the SDL, and in README.md's table."""

from enum import Enum

from schema.enums import described

CODES: dict[str, str] = {
    "BAD_COUNT": "Too few or too many items, identifiers or lines.",
    "BAD_LENGTH": "A text is empty or too long.",
    "BAD_TEXT": "A text holds a character that no text may hold.",
    "UNKNOWN_NAMESPACE": "The namespace is not in the rules.",
    "NOTHING_LEFT": "Every identifier of the observation was dropped.",
    "LIMIT_EXCEEDED": "The observation itself names more values than one customer may have.",
    "ID_CONFLICT": "The same id, `statedAt` of an order or idempotency key came before with other content.",
    "IN_THE_FUTURE": "A time is more than 5 minutes ahead.",
    "BAD_DATE": "A time cannot be read.",
    "BAD_CONFIDENCE": "A confidence outside 0 to 1.",
    "BAD_AMOUNT": "An amount cannot be read, or has too many digits.",
    "NEGATIVE_AMOUNT": "An amount below zero.",
    "UNKNOWN_CURRENCY": "No currency of ISO 4217.",
    "BAD_NUMBER": "The order number can be no identifier.",
    "VALUE_BLOCKED": "The value asked for is a placeholder.",
    "VALUE_EMPTY": "The value asked for is empty.",
    "VALUE_INVALID": "The value asked for is none of its namespace.",
    "VALUE_TOO_SHORT": "The value asked for is shorter than its namespace allows.",
    "VALUE_TOO_LONG": "The value asked for is too long.",
    "SAME_IDENTIFIER": "The same identifier is named twice.",
    "UNKNOWN_MARK": "There is no such mark.",
    "UNKNOWN_CHANGE": "There is no such change.",
    "NOT_A_MERGE": "The change is no merge: only merges are undone.",
    "ALREADY_UNDONE": "The merge is undone already.",
    "NOTHING_TO_UNDO": "Later changes parted what was merged.",
    "UNKNOWN_PREVIEW": "There is no such preview in this process.",
    "NOT_AT_A_TIME": "`customer(at:)` was asked for what is not kept for every moment.",
    "BAD_PAGE_SIZE": "`first` is not 0 to 100.",
    "BAD_CURSOR": "This is no cursor of this list.",
    "BAD_SCENARIO": "A scenario cannot be used.",
    "BAD_RULES": "A rules file cannot be used.",
    "CONFLICT": "Another version of the rules is in force than `expectedVersion`.",
    "BAD_REPRESENTATION": "A gateway's representation is no entity of this graph.",
    "BAD_REQUEST": "Not a GraphQL request, or one that does not fit the schema.",
    "LIMIT_REACHED": "The document is deeper, wider or dearer than the service allows.",
    "NOT_OPEN": "Introspection or federation is switched off here.",
    "NOT_THIS_WAY": "A mutation by GET, or a subscription where there is no stream.",
    "TIMEOUT": "The operation took longer than the service allows, and was stopped.",
    "UNKNOWN_DOCUMENT": "There is no trusted document of this `documentId`.",
    "NOT_TRUSTED": "Only trusted documents are run here.",
    "PERSISTED_QUERY_NOT_FOUND": "No document is registered under this hash: send it once together with the hash.",
    "PERSISTED_QUERY_NOT_SUPPORTED": "Documents cannot be registered by their hash here.",
    "BAD_HASH": "The hash is not that of the document.",
    "STORE_UNAVAILABLE": "The database does not answer: send the same again; it changes nothing if it was stored.",
    "OVERLOADED": "Too much is waiting: send the same again in a moment.",
    "RULES_MOVED": "The rules change faster than this can be stored: send the same again.",
    "TEMPORARY_FAILURE": "Send the same again in a moment.",
    "INTERNAL": "A fault of the service; its id is in the log.",
}

ProblemCode = Enum("ProblemCode", {name: name for name in CODES})  # type: ignore[misc]
described(
    ProblemCode,
    "ProblemCode",
    "What is wrong, for programs: in `Problem.code`, and in `extensions.code` of errors. More may come.",
    **CODES,
)

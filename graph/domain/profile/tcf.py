"""TC strings: what a visitor decided in a consent dialog that follows IAB Europe's Transparency and Consent Framework.

The format is that of "Consent string and vendor list formats v2" of IAB Tech Lab. Only the core segment is decoded: who
consented to which purposes and vendors. Legitimate interest is no consent, so it is read over.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.dates import DAY, SECOND, format_date
from graph.domain.model.errors import Problem
from graph.domain.model.validation import check_text
from graph.domain.profile.consents import ConsentMethod, ConsentStatement, Decision

MAX_TC_STRING_LENGTH = 8_000
"""Characters of a TC string; those of services with many publisher restrictions are long."""
PURPOSES = range(1, 25)
"""The purposes that a string has bits for; the framework defines 1 to 11."""

_FORMAT_VERSION = 2
_POLICY_OF_2_2 = 4
_END_OF_EARLIER_POLICIES = 1_696_032_000 * SECOND
"""2023-09-30T00:00Z: strings under earlier policies that were made after that day are invalid."""
_DECISECOND = SECOND // 10
_REQUIRE_CONSENT = 1
"""The type of a publisher's restriction that leaves consent as it is. 0 forbids the purpose, 2 allows only legitimate
interest, and 3 is not defined."""


class TcfTerms(Struct, frozen=True, gc=False):
    """How TC strings are read: the TCF purposes of each purpose that has some, and the id of the operator as a vendor.

    Without a `vendor`, consent to vendors is not asked for. A string is about one identifier of `namespaces`.
    """

    purposes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    vendor: int | None = None
    namespaces: tuple[str, ...] = ("cookie", "device")


class TcString(Struct, frozen=True):
    """What a TC string says. `updated_at` is in microseconds and has the day only.

    `vendors` are ranges of ids: a short string can name millions. `restricted` are purposes with the vendors that the
    publisher does not let process for them by consent.
    """

    updated_at: int
    purposes: frozenset[int]
    vendors: tuple[range, ...]
    restricted: tuple[tuple[int, range], ...] = ()

    def consents(self, purposes: Iterable[int], vendor: int | None) -> bool:
        """Whether the visitor consented to all of some purposes, and to the vendor if there is one."""
        wanted = frozenset(purposes)
        if not wanted or not wanted <= self.purposes:
            return False
        if vendor is None:
            return True
        is_restricted = any(purpose in wanted and vendor in ids for purpose, ids in self.restricted)
        return not is_restricted and any(vendor in ids for ids in self.vendors)


class _Malformed(ValueError):
    """Why a text is no TC string, for the end of a sentence."""


class _Bits:
    """The bits of a segment, read from the first to the last."""

    def __init__(self, segment: str) -> None:
        try:
            data = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _Malformed("is not base64 without padding") from None
        self._value, self._left = int.from_bytes(data), len(data) * 8

    def read(self, count: int) -> int:
        """Return the number in the next bits."""
        if count > self._left:
            raise _Malformed("ends too early")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def set_ids(self, count: int) -> frozenset[int]:
        """Return the positions, from 1, of the next bits that are set."""
        bits = self.read(count)
        return frozenset(position for position in range(1, count + 1) if bits >> count - position & 1)

    def ranges(self) -> Iterable[range]:
        """Yield the ranges of ids of the next range section."""
        for _ in range(self.read(12)):
            is_range, first = self.read(1), self.read(16)
            last = self.read(16) if is_range else first
            if not 1 <= first <= last:
                raise _Malformed(f"has the range of vendors {first} to {last}")
            yield range(first, last + 1)

    def vendors(self) -> tuple[range, ...]:
        """Return the ids of the next vendor section."""
        highest, is_ranges = self.read(16), self.read(1)
        if is_ranges:
            return tuple(self.ranges())
        return tuple(range(id, id + 1) for id in sorted(self.set_ids(highest)))


def decode(text: str, now: int) -> TcString | Problem:
    """Return what a TC string says, or the problem of one that is malformed or no longer counts.

    `now` is in microseconds.
    """
    if problem := check_text("tcString", text, MAX_TC_STRING_LENGTH):
        return problem
    try:
        return _decode(text, now)
    except _Malformed as error:
        return Problem("INVALID_TC_STRING", f"tcString {text[:24]!r} {error}", ("tcString",))


def _decode(text: str, now: int) -> TcString:
    core, *others = text.split(".")
    bits = _Bits(core)
    version = bits.read(6)
    if version != _FORMAT_VERSION:
        raise _Malformed(f"has the format version {version}; only {_FORMAT_VERSION} counts")
    bits.read(36)  # created, which equals the next
    updated_at = bits.read(36) * _DECISECOND
    bits.read(12 + 12 + 6 + 12 + 12)  # the consent management platform, its screen and language, the list of vendors
    policy = bits.read(6)
    # Time zones and clocks: a day that has begun somewhere is not in the future.
    if updated_at > now + DAY:
        raise _Malformed(f"was last updated on {format_date(updated_at // DAY)}, which is in the future")
    if policy < _POLICY_OF_2_2 and updated_at > _END_OF_EARLIER_POLICIES:
        day = format_date(updated_at // DAY)
        raise _Malformed(
            f"has the policy version {policy}, which is invalid in strings of {day}; 4 (TCF 2.2) is needed"
        )
    if not bits.read(1):
        raise _Malformed("is not service-specific; strings of global scope are invalid")
    bits.read(1 + 12)  # texts of its own, special features
    purposes = bits.set_ids(24)
    bits.read(24 + 1 + 12)  # legitimate interests, treatment of purpose 1, country
    vendors = bits.vendors()
    bits.vendors()  # legitimate interests
    restricted = tuple(_restrictions(bits))
    for other in others:
        _Bits(other).read(3)  # the type of the segment
    return TcString(updated_at, purposes, vendors, restricted)


def _restrictions(bits: _Bits) -> Iterable[tuple[int, range]]:
    """Yield the purposes, with vendors, for which the publisher rules consent out."""
    for _ in range(bits.read(12)):
        purpose, kind = bits.read(6), bits.read(2)
        for ids in bits.ranges():
            if kind != _REQUIRE_CONSENT:
                yield purpose, ids


def stated_decisions(statement: ConsentStatement, terms: TcfTerms, now: int) -> list[ConsentStatement] | Problem:
    """The decisions that the TC string of a statement makes, or what is wrong with it; `now` in microseconds.

    They are on its purpose, or on each purpose that has TCF purposes, in the order of their declaration. A statement
    with a decision of its own, such as one that was exported, must not contradict the string, which is evidence of it.
    """
    if problem := _check_statement(statement, terms):
        return problem
    found = decode(statement.tc_string, now)
    if isinstance(found, Problem):
        return found
    stated = [
        replace(
            statement,
            purpose=purpose,
            decision=Decision.GIVEN if found.consents(numbers, terms.vendor) else Decision.REFUSED,
            method=ConsentMethod.CMP,
        )
        for purpose, numbers in terms.purposes.items()
        if statement.purpose in ("", purpose)
    ]
    if statement.decision is Decision.NONE:
        return stated
    if any(other.decision is not statement.decision for other in stated):
        message = f"decision is {statement.decision.name}, and tcString states {stated[0].decision.name}"
        return Problem("INVALID_VALUE", message, ("decision",))
    return [replace(statement, method=ConsentMethod.CMP)]


def _check_statement(statement: ConsentStatement, terms: TcfTerms) -> Problem | None:
    is_decided = statement.decision is not Decision.NONE
    if is_decided and not statement.purpose:
        return Problem("UNKNOWN_PURPOSE", "purpose is missing, and decision is on one", ("purpose",))
    if statement.method not in (None, ConsentMethod.CMP):
        message = f"method is {statement.method.name}; a tcString is collected by a CMP"
        return Problem("INVALID_VALUE", message, ("method",))
    if not is_decided and (not terms.purposes or (statement.purpose and statement.purpose not in terms.purposes)):
        named = f"purpose {statement.purpose[:60]!r}" if statement.purpose else "any purpose"
        mapped = f"; those with it: {', '.join(terms.purposes)}" if terms.purposes else ", and no purpose has it"
        message = f"tcString states no decision on {named} without `tcf` in attributes.toml{mapped}"
        return Problem("UNKNOWN_PURPOSE", message, ("purpose",))
    # What a browser shows is the decision of whoever sits there, not of everybody who is known by other identifiers.
    if len(statement.identifiers) != 1 or statement.identifiers[0][0] not in terms.namespaces:
        named = ", ".join(namespace[:60] for namespace, _ in statement.identifiers) or "none"
        message = f"a tcString is about one identifier of {' or '.join(terms.namespaces)}; this names {named}"
        return Problem("INVALID_VALUE", message, ("identifiers",))
    return None

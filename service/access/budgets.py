"""How many customers callers may look up: budgets of distinct subjects and of misses, over windows that slide.

A subject is what was asked for, an id or a key. It counts once within an hour, however often and in whatever way it is
asked for. Of subjects only hashes are kept, in memory, so each process has its own budgets.
"""

import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from graph.domain.access.lookup_budget import UNLIMITED, LookupBudget
from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.errors import TooManyLookups
from service.observability.metrics import LookupResult, Metrics
from service.runtime.addresses import is_loopback, network_of

log = logging.getLogger("kith.access")

MINUTE, HOUR = 60.0, 3600.0
MAX_WINDOWS = 20_000
"""Number of callers and addresses whose look-ups are remembered; beyond it, the one idle for longest is forgotten."""
MAX_REMEMBERED = 500_000
"""Number of subjects that are remembered over all callers and addresses, likewise."""
MIN_LOOKUPS = 50
"""Number of look-ups from which the share of misses counts."""
MAX_MISSES = 0.2
"""Share of misses above which a caller is reported: it probably tries what might exist."""
VISITOR = "visitor"
"""The budget of a storefront that acts for nobody. What it asks for opens only its own facts, and is often new."""


class Budget(Struct, frozen=True, cache_hash=True):
    """What a caller may look up: distinct subjects a minute and an hour, and those of an hour that nobody has.

    One address may look up as much as `callers_per_address` callers of a role; `None` counts no addresses, as is right
    for callers behind one server.
    """

    per_minute: int
    per_hour: int
    misses_per_hour: int | None = None
    callers_per_address: int | None = 10

    @property
    def of_address(self) -> "Budget":
        """Return the budget of one address."""
        callers = self.callers_per_address or 1
        misses = None if self.misses_per_hour is None else self.misses_per_hour * callers
        return Budget(self.per_minute * callers, self.per_hour * callers, misses)


DEFAULT_BUDGETS: Mapping[str, Budget] = {
    "storefront": Budget(30, 200, 60, callers_per_address=None),
    VISITOR: Budget(3_000, 60_000, callers_per_address=None),
    "till": Budget(60, 600, 200),
    "desk": Budget(120, 1_000, 300),
    "partner": Budget(600, 10_000, 3_000, callers_per_address=None),
    "marketer": Budget(20, 100),
    "steward": Budget(600, 5_000, 2_000),
    "privacy": Budget(300, 3_000, 1_000),
}
"""The budgets by role. Other roles have none: they reach no customers, or follow the feed. A marketer's look-ups are
the rules that it counts."""


_LIKE = {
    Reach.SELF: "storefront",
    Reach.HELD: "till",
    Reach.FOUND: "desk",
    Reach.OWN: "partner",
    Reach.COUNT: "marketer",
    Reach.ANY: "steward",
}
"""The built-in role whose budget a role of `access.toml` has, by its reach, if the file states none."""


def _wait(times: deque[float], count: int, limit: int, window: float, now: float) -> float:
    """Return the seconds until `count` more fit beside what happened at `times` within a window; 0 if they fit now."""
    excess = len(times) + count - limit
    if excess <= 0:
        return 0.0
    return window if excess > len(times) else times[excess - 1] + window - now


class _Window:
    """What one caller or one address has looked up within an hour."""

    __slots__ = ("_hour", "_minute", "_order", "_subjects", "logged_until", "misses", "reported_until")

    def __init__(self) -> None:
        self._subjects: set[int] = set()
        self._order: deque[int] = deque()
        self._hour: deque[float] = deque()
        self._minute: deque[float] = deque()
        self.misses: deque[float] = deque()
        self.logged_until = -math.inf
        self.reported_until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._subjects)

    def expire(self, now: float) -> int:
        """Forget what is older than the windows; return the number of subjects forgotten."""
        hour, minute, misses, before = self._hour, self._minute, self.misses, len(self._hour)
        while hour and hour[0] <= now - HOUR:
            hour.popleft()
            self._subjects.remove(self._order.popleft())
        while minute and minute[0] <= now - MINUTE:
            minute.popleft()
        while misses and misses[0] <= now - HOUR:
            misses.popleft()
        return before - len(hour)

    def unknown(self, subjects: set[int]) -> set[int]:
        """Return the subjects that have not been counted yet."""
        return subjects - self._subjects

    def wait(self, count: int, budget: Budget, now: float) -> float:
        """Return the seconds until `count` more subjects fit into a budget; 0 if they fit now."""
        misses = budget.misses_per_hour
        if (
            len(self._minute) + count <= budget.per_minute
            and len(self._hour) + count <= budget.per_hour
            and (misses is None or len(self.misses) < misses)
        ):
            return 0.0
        if count == 0:
            return 0.0
        seconds = _wait(self._minute, count, budget.per_minute, MINUTE, now)
        seconds = max(seconds, _wait(self._hour, count, budget.per_hour, HOUR, now))
        return seconds if misses is None else max(seconds, _wait(self.misses, 1, misses, HOUR, now))

    def add(self, subjects: set[int], now: float) -> None:
        """Count subjects."""
        self._subjects |= subjects
        self._order.extend(subjects)
        times = [now] * len(subjects)
        self._hour.extend(times)
        self._minute.extend(times)


class LookupBudgets:
    """The budgets of all callers and addresses of one process.

    `budgets` are by role; `now` returns seconds that never go back.
    """

    def __init__(
        self,
        budgets: Mapping[str, Budget] = DEFAULT_BUDGETS,
        metrics: Metrics | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budgets, self.metrics, self.now = budgets, metrics, now
        self.of_addresses = {budget: budget.of_address for budget in budgets.values()}
        """The budgets of addresses by those of callers."""
        self._windows: OrderedDict[tuple[str, str, str], _Window] = OrderedDict()
        self.remembered = 0
        """Number of subjects that are remembered, over all windows."""

    def of(self, viewer: Viewer, address: str) -> LookupBudget:
        """Return the budget of one operation of a viewer that sends it from an address (empty if it has none)."""
        name = viewer.role
        if viewer.reach is Reach.SELF and viewer.subject is None:
            name = VISITOR
        budget = self._budgets.get(name)
        if budget is None and name not in ROLES:
            budget = self._budgets.get(_LIKE.get(viewer.reach, ""))
        return UNLIMITED if budget is None else _OperationBudget(self, budget, name, viewer, address)

    def window(self, kind: str, name: str, owner: str, now: float) -> _Window:
        """Return what a caller or an address has looked up."""
        key = kind, name, owner
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window()
            self._make_room()
            return window
        self._windows.move_to_end(key)
        self.remembered -= window.expire(now)
        return window

    def added(self, count: int) -> None:
        """Remember subjects that a window has added."""
        self.remembered += count
        self._make_room()

    def _make_room(self) -> None:
        """Forget the owners idle for longest, but not the two that an operation uses."""
        while len(self._windows) > 2 and (len(self._windows) > MAX_WINDOWS or self.remembered > MAX_REMEMBERED):
            self.remembered -= len(self._windows.popitem(last=False)[1])

    def alarm(self, viewer: Viewer, reason: str, window: _Window, now: float) -> None:
        """Report a caller: for each reason once an hour in the metrics, once an hour in the log."""
        if window.reported_until.get(reason, -math.inf) > now:
            return
        window.reported_until[reason] = now + HOUR
        if self.metrics is not None:
            self.metrics.lookup_alarm(viewer.role, reason)
        if window.logged_until <= now:
            window.logged_until = now + HOUR
            what = "finds nobody with many of its look-ups" if reason == "misses" else "has used up its look-ups"
            log.warning("%s (role %s) %s: it may be trying what exists", viewer.caller, viewer.role, what)


class _OperationBudget:
    """The budget of a caller, and of its address, as one operation uses it."""

    __slots__ = ("_address", "_all", "_budget", "_name", "_new", "_viewer")

    def __init__(self, all: LookupBudgets, budget: Budget, name: str, viewer: Viewer, address: str) -> None:
        self._all, self._budget, self._name, self._viewer, self._address = all, budget, name, viewer, address
        self._new = 0

    def _window(self, now: float) -> _Window:
        """Return the window of the caller."""
        return self._all.window("caller", self._name, self._viewer.caller, now)

    def _window_of_address(self, now: float) -> _Window | None:
        """Return the window of the address, if addresses count. Behind one of this machine, a proxy may have many."""
        if self._budget.callers_per_address is None or is_loopback(self._address):
            return None
        network = network_of(self._address)
        return self._all.window("address", self._name, network, now) if network else None

    def spend(self, asked: Collection[str]) -> None:
        """Count look-ups by what was asked for: all of them, or none if they exceed the budget."""
        now = self._all.now()
        window = self._window(now)
        unknown = window.unknown(set(map(hash, asked)))
        if not unknown:
            return
        wait = window.wait(len(unknown), self._budget, now)
        address = self._window_of_address(now)
        unknown_of_address: set[int] = set()
        if address is not None:
            unknown_of_address = address.unknown(unknown)
            wait = max(wait, address.wait(len(unknown_of_address), self._all.of_addresses[self._budget], now))
        if wait > 0:
            self._count("refused", len(unknown))
            self._all.alarm(self._viewer, "budget", window, now)
            raise TooManyLookups(self._message(len(unknown)), wait)
        window.add(unknown, now)
        if address is not None:
            address.add(unknown_of_address, now)
        self._all.added(len(unknown) + len(unknown_of_address))
        self._new += len(unknown)
        self._count("counted", len(unknown))

    def _count(self, what: LookupResult, count: int) -> None:
        if self._all.metrics is not None:
            self._all.metrics.lookups(self._viewer.role, what, count)

    def _message(self, count: int) -> str:
        budget, role = self._budget, self._viewer.role
        if count > budget.per_minute:
            return f"{count} look-ups at once: the role {role} may look up {budget.per_minute} customers a minute"
        message = f"the role {role} may look up {budget.per_minute} customers a minute and {budget.per_hour} an hour"
        return (
            message
            if budget.misses_per_hour is None
            else f"{message}, of which {budget.misses_per_hour} may find nobody"
        )

    def missed(self, count: int) -> None:
        """Count look-ups that found nobody, at most as many as were new: who repeats one does not try others."""
        count = min(count, self._new)
        if count <= 0:
            return
        self._new -= count
        now = self._all.now()
        window, address = self._window(now), self._window_of_address(now)
        window.misses.extend([now] * count)
        if address is not None:
            address.misses.extend([now] * count)
        self._count("missed", count)
        counts_misses = self._budget.misses_per_hour is not None
        if counts_misses and len(window) >= MIN_LOOKUPS and len(window.misses) > MAX_MISSES * len(window):
            self._all.alarm(self._viewer, "misses", window, now)

"""Observations read anew under other rules, some at a time, while everything is served.

Each step is one transaction that leaves a whole graph behind. Once every observation has been read anew, the graph is
what the new rules make of it: the last step at any identifier counted its links and neighbours from what is valid then,
and resolved all that is connected with it.
"""

from collections.abc import Generator, Sequence
from itertools import combinations
from typing import Any

from graph.commands.commit import finished
from graph.domain.model.identifiers import Identifier
from graph.domain.model.orders import NAMESPACE, Order
from graph.domain.model.overrides import Mark
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import Dropped, NamespaceRule, Rules
from graph.domain.model.store_values import Around, Reread, Support
from graph.domain.resolution.incremental import Step
from graph.domain.resolution.intake import Delta, Intake
from graph.ports import Ids, ReadAround, ReadSupport, Request, Write


def both(new: Rules, old: Rules) -> Rules:
    """The new rules, with the namespaces that only the old ones have behind them: they rank last and bind nothing.

    These hold while observations are read anew, since identifiers of such namespaces are there until the end.
    """
    gone = [NamespaceRule(rule.name) for rule in old.namespaces if rule.name not in new.by_name]
    return Rules((*new.namespaces, *gone), new.accept)


def reread(
    keys: Sequence[ObservationKey],
    rules: Rules,
    reading: Rules,
    now: int,
    ids: Ids,
    progress: Reread | None,
    recount: bool = True,
) -> Generator[Request, Any, None]:
    """Read some observations anew under `reading`, and resolve under `rules` (see `both`).

    Without `recount` the neighbours that are stored are taken to be counted under the same `accept`: then a till is not
    read whole, with all who were there, for each of its observations.
    """
    around: Around = yield ReadAround(receipts=keys)
    receipts = dict(around.receipts)
    orders = {key for receipt in receipts.values() for key in _order_keys(receipt, reading)}
    if orders:
        more: Around = yield ReadAround(orders=sorted(orders))
        receipts = {**more.receipts, **receipts}
    intake = Intake(receipts)
    for key in keys:
        if key in receipts:
            intake.reread(key, reading, 0 if progress is None else progress.version)
    delta = intake.settle(refold=recount)
    yield from _apply(delta, intake.changed, _touched(delta), rules, now, ids, progress, recount)


def remark(mark: Mark, renamed: Mark | None, rules: Rules, now: int, ids: Ids) -> Generator[Request, Any, None]:
    """Look at a mark anew: under another normalisation it names other keys (`renamed`); its ends are resolved anew."""
    delta = Delta() if renamed is None else Delta(marks_set=[renamed], marks_removed=[mark])
    touched = set(mark.keys) | set(renamed.keys if renamed is not None else ())
    yield from _apply(delta, [], touched, rules, now, ids, None, recount=True)


def renamed(mark: Mark, reading: Rules, id: str) -> Mark | None:
    """The mark on the keys that the new rules make of its identifiers; `None` where they are the same or none."""
    keys: list[str] = []
    for key in mark.keys:
        namespace, value = Identifier.from_key(key)
        clean = reading.clean(namespace, value) if namespace in reading.by_name else Dropped(namespace, value, "", "")
        if isinstance(clean, Dropped):
            return None
        keys.append(Identifier(namespace, clean).key)
    keys.sort()
    if tuple(keys) == mark.keys or len(set(keys)) < len(mark.keys):
        return None
    return Mark(id, mark.kind, keys[0], "".join(keys[1:]), mark.actor, mark.reason, mark.at)


def _order_keys(receipt: Receipt, reading: Rules) -> list[str]:
    if not receipt.order_key:
        return []
    keys = [receipt.order_key]
    if NAMESPACE in reading.by_name:
        value = reading.clean(NAMESPACE, Order.from_facts(receipt.source, receipt.facts).number)
        if not isinstance(value, Dropped):
            keys.append(Identifier(NAMESPACE, value).key)
    return keys


def _touched(delta: Delta) -> set[str]:
    touched = {key for one in delta.statements for key in one.keys}
    return touched | set(delta.orders)


def _apply(
    delta: Delta,
    receipts: Sequence[Receipt],
    touched: set[str],
    rules: Rules,
    now: int,
    ids: Ids,
    progress: Reread | None,
    recount: bool,
) -> Generator[Request, Any, None]:
    pairs = {ends for one in delta.statements for ends in combinations(one.keys, 2)}
    around: Around = yield ReadAround(keys=sorted(touched), pairs=sorted(pairs))
    withdrawn = sorted({key for one in delta.withdrawn for key in one.keys})
    support: Support = (yield ReadSupport(withdrawn)) if withdrawn else {}
    step = Step(delta, around, support, rules, now, ids.customer, frozenset(touched), recount)
    writes = yield from finished(step)
    writes.receipts.extend(receipts)
    writes.reread = progress
    yield Write(writes)

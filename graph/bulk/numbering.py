"""Numbers for customers and identifiers, in the order in which they are stored."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Codes, Ints
from graph.bulk.evidence import IdentifierEvidence


@dataclass(slots=True)
class CustomerNumbers:
    """The customers by number, from 0, and their identifiers by code.

    `customer` is the customer of each identifier (-1: none) and `number` its position in the order of loading, from 1
    (0: none). `order` are the codes by customer and key; those of customer `c` are `order[starts[c]:starts[c + 1]]`.
    `anchor` is the code of the anchor of each customer.
    """

    customer: Codes
    number: Codes
    order: Ints
    starts: Ints
    anchor: Codes


@njit(cache=True)
def _number_groups(group: Codes, count: Codes, customer: Codes) -> int:
    """Number the groups by their smallest code; identifiers that no valid statement names are in none (-1)."""
    number_of = np.full(len(group), -1, np.int32)
    size = 0
    for code in range(len(group)):
        if count[code]:
            if number_of[group[code]] < 0:
                number_of[group[code]] = size
                size += 1
            customer[code] = number_of[group[code]]
    return size


@njit(cache=True)
def _anchors(order: Ints, starts: Ints, rank: NDArray[np.int16], first: Ints, anchor: Codes) -> None:
    for customer in range(len(starts) - 1):
        best = order[starts[customer]]
        for at in range(starts[customer] + 1, starts[customer + 1]):
            code = order[at]
            if rank[code] < rank[best] or (rank[code] == rank[best] and first[code] < first[best]):
                best = code
        anchor[customer] = best


def number_customers(group: Codes, evidence: IdentifierEvidence, rank: NDArray[np.int16]) -> CustomerNumbers:
    """Number the customers by their smallest code; `rank` is the rank of each identifier's namespace."""
    customer = np.full(len(group), -1, np.int32)
    customers = int(_number_groups(group, evidence.count, customer))
    assigned = np.flatnonzero(customer >= 0)
    # By customer, then by key: identifiers that are read together are stored together.
    order = assigned[np.argsort(customer[assigned], kind="stable")]
    number = np.zeros(len(group), np.int32)
    number[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    starts = np.searchsorted(customer[order], np.arange(customers + 1, dtype=np.int32))
    anchor = np.zeros(customers, np.int32)
    _anchors(order, starts, rank, evidence.first, anchor)
    return CustomerNumbers(customer, number, order, starts, anchor)

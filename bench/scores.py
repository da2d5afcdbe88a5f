"""How well customers agree with the truth: by pairs of records, by record (B-cubed), and by entity."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall by pairs and by record; `exact` of `entities` are one customer with all their records."""

    precision: float
    recall: float
    b3_precision: float
    b3_recall: float
    exact: int
    entities: int

    @property
    def f1(self) -> float:
        """The harmonic mean of the pairwise precision and recall."""
        return _harmonic_mean(self.precision, self.recall)

    @property
    def b3_f1(self) -> float:
        """The harmonic mean of the B-cubed precision and recall."""
        return _harmonic_mean(self.b3_precision, self.b3_recall)


def _harmonic_mean(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def score(customers: Iterable[Mapping[str, str]]) -> Score:
    """Score customers, each given as the true entity of each of its records.

    Pairwise precision is the share of pairs in one customer that are of one entity; recall is the share of pairs of one
    entity that are in one customer. B-cubed (Bagga and Baldwin, 1998) is the mean over all records of the share of its
    customer's records that are of its entity, and of the share of its entity's records that are in its customer.
    """
    of_customers = [Counter(customer.values()) for customer in customers]
    of_entities: Counter[str] = Counter()
    for counts in of_customers:
        of_entities.update(counts)
    records = of_entities.total()
    correct = sum(_pairs(count) for counts in of_customers for count in counts.values())
    together = sum(_pairs(counts.total()) for counts in of_customers)
    possible = sum(map(_pairs, of_entities.values()))
    b3_precision = sum(count * count / counts.total() for counts in of_customers for count in counts.values())
    b3_recall = sum(count * count / of_entities[name] for counts in of_customers for name, count in counts.items())
    exact = sum(len(counts) == 1 and counts.items() <= of_entities.items() for counts in of_customers)
    return Score(
        correct / together if together else 1.0,
        correct / possible if possible else 1.0,
        b3_precision / records if records else 1.0,
        b3_recall / records if records else 1.0,
        exact,
        len(of_entities),
    )

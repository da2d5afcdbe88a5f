"""Steps that read only what is around a large customer store what resolving its whole region stores.

To try other sequences, run `python -m tests.graph.domain.resolution.test_bounded_steps 1000 20000`: the first seed and
the one after the last.
"""

import sys
from collections import Counter
from random import Random

from tests.builders.bounded_steps import BoundedAndWhole
from tests.builders.graph_checks import check_everything
from tests.builders.random_sequences import RandomCommands, random_rules

SEQUENCES = 300


def steps_of(seed: int) -> Counter[str]:
    """Run a random sequence on both graphs, compare everything that they store, and count the bounded steps."""
    random = Random(seed)
    rules = random_rules(random)
    commands, both = RandomCommands(random, rules), BoundedAndWhole(rules)
    for _ in range(random.choice((8, 20, 30))):
        both.do(commands.batch())
        if random.random() < 0.2:
            check_everything(both.bounded)
    check_everything(both.bounded)
    return both.steps


def test_bounded_steps_store_what_the_resolution_of_whole_regions_stores() -> None:
    # when
    steps = sum((steps_of(seed) for seed in range(SEQUENCES)), Counter())
    # then: the sequences have met each kind of bounded step
    assert steps["union"] > 60
    assert steps["departure"] > 20
    assert steps["reason"] > 8
    assert steps["displacement"] > 2


if __name__ == "__main__":
    total: Counter[str] = Counter()
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        try:
            total += steps_of(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
    sys.stdout.write(f"{dict(total)}\n")

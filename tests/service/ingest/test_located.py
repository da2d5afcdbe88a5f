"""Problems name the columns of the file, and the rows of an order's lines."""

import pytest

from graph.domain.model.errors import Problem
from service.ingest.located import located
from service.ingest.raw_lines import Header, RawLine

FIELDS = {
    "seenAt": "Seen At",
    "total": "total",
    "attributes.given_name": "Attributes.First",
    "attributes.address.city": "Address.City",
    "line.sku": "Line.SKU",
    "line.total": "line.total",
}
LINE = RawLine(2, 0, {}, 2, header=Header(tuple(FIELDS.values()), FIELDS), order_lines=(2, 4))


@pytest.mark.parametrize(
    ("path", "message", "result"),
    [
        (("seenAt",), "seenAt: is too old", "Seen At (seenAt): is too old"),
        (("seenAt",), "seenAt is required", "Seen At (seenAt) is required"),
        (("seenAt",), "the time is too old", "the time is too old (column Seen At)"),
        (("decidedAt",), "decidedAt is in the future", "Seen At (decidedAt) is in the future"),
        (("total",), "total: must be a number", "total: must be a number"),
        (("placedAt",), "placedAt is required", "placedAt is required"),
        (("attributes", "given_name"), "given_name has 0 characters", "Attributes.First (attributes.given_name) has 0"),
        (("attributes", "address", "city"), "city is empty", "Address.City (attributes.address.city) is empty"),
        (("lines", 1, "sku"), "lines.1.sku is required", "line 4: Line.SKU (line.sku) is required"),
        (("lines", 1, "total"), "line 2: total is -1", "line 4: line.total is -1"),
        (("lines",), "lines holds 900 entries", "lines holds 900 entries"),
        ((), "is not CSV", "is not CSV"),
    ],
)
def test_a_problem_has_the_name_of_the_column(path: tuple[str | int, ...], message: str, result: str) -> None:
    found = located(Problem("INVALID_FIELD", message, path), LINE)
    assert found.message.startswith(result)
    assert found.path == path


def test_problems_of_other_lines_are_as_they_are() -> None:
    problem = Problem("INVALID_FIELD", "seenAt: is too old", ("seenAt",))
    assert located(problem, RawLine(1, 0, {"seenAt": "1"})) is problem
    assert located(problem, LINE.rejected(problem)) is problem

"""Reviews: a rating is a number, and the order number alone says whose review it is."""

import json
from pathlib import Path

from tests.builders.clients import order
from tests.builders.mapped_sources import SECRET, door, sample, statements, values
from tests.builders.runs import Run

CUSTOMER = """
  identifiers(first: 10) { nodes { namespace value } }
  timeline(first: 10, kinds: [INTERACTION]) { nodes { ... on Interaction { type sku text properties } } }
"""


def test_a_row_is_a_review_with_a_number() -> None:
    # when
    (first,), (second,) = statements("reviews", sample("reviews/reviews.csv"))
    # then
    assert first[1]["properties"] == {"rating": 5, "title": "Great", "language": "en", "verified": True}
    assert (first[1]["sku"], first[1]["text"]) == ("A-17", "Boils quickly, and it is quiet.")
    assert second[1]["properties"]["rating"] == 2.5
    assert values(second[1], "order") == ["W-1002"]


def test_a_review_with_an_order_number_is_that_of_the_customer_who_ordered(run: Run, tmp_path: Path) -> None:
    with door("reviews", run, tmp_path) as to:
        # given
        to.client.record(order("W-1002", "email=bob@example.com"))
        # when
        first = to.take(sample("reviews/reviews.csv"), authorization=f"Bearer {SECRET}")
        again = to.take(sample("reviews/reviews.csv"), authorization=f"Bearer {SECRET}")
        # then
        assert (first["accepted"], again["accepted"]) == (2, 0)
        (review,) = to.client.customer("email=bob@example.com", CUSTOMER)["timeline"]["nodes"]
        assert (review["type"], review["text"], review["properties"]["rating"]) == ("review", "Late delivery", 2.5)
        (review,) = to.client.customer("email=ann@example.com", CUSTOMER)["timeline"]["nodes"]
        assert review["sku"] == "A-17"


def test_reviews_of_judge_me_arrive_and_change(run: Run, tmp_path: Path) -> None:
    with door("judgeme", run, tmp_path) as to:
        # given
        created = json.loads(sample("reviews/judgeme.json"))
        changed = {**created, "event": "review/updated"}
        changed["review"] = created["review"] | {"rating": 2, "updated_at": "2026-03-20T10:00:00+00:00"}
        # when
        for body in (created, changed, created, changed):
            to.take(json.dumps(body).encode(), f"?key={SECRET}")
        # then
        newest, oldest = to.client.customer("email=ann@example.com", CUSTOMER)["timeline"]["nodes"]
        assert (newest["properties"]["rating"], oldest["properties"]["rating"]) == (2, 4)
        assert oldest["text"] == "Very good product!"
        assert oldest["properties"]["product"] == "Kettle"
        assert to.send(json.dumps(created).encode()).status_code == 401

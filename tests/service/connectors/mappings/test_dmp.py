"""Bought segments end, and pairs of cookies lead from a partner's cookie to the own one."""

from pathlib import Path

from tests.builders.mapped_sources import SECRET, door, sample, statements
from tests.builders.runs import Run

PROOF = {"authorization": f"Bearer {SECRET}"}
CUSTOMER = """
  known
  identifiers(first: 10) { nodes { namespace value } }
  externalSegments { segment expiresAt party }
"""


def test_a_row_is_a_segment_of_the_third_party_with_an_end() -> None:
    # when
    rows = [record[0][1] for record in statements("dmp-segments", sample("dmp/segments.csv"))]
    # then
    assert [row["segment"] for row in rows] == [
        "iab-audience-1.1:687", "iab-audience-1.1:207", "adco:auto-intenders", "iab-audience-1.1:687",
    ]  # fmt: skip
    assert {row["party"] for row in rows} == {"third_party"}
    assert rows[0]["expiresAt"] == "2036-06-01T00:00:00Z"
    assert rows[1]["identifiers"] == [{"namespace": "cookie", "value": "adco:x9-22"}]


def test_segments_end_by_their_time_or_by_a_later_row(run: Run, tmp_path: Path) -> None:
    with door("dmp-segments", run, tmp_path) as to:
        *rows, ended = sample("dmp/segments.csv").splitlines(keepends=True)
        # when
        to.take(b"".join(rows), **PROOF)
        again = to.take(b"".join(rows), **PROOF)
        # then
        assert again["accepted"] == 0
        customer = to.client.customer("cookie=ck-4711", CUSTOMER)
        assert customer["known"] is False
        assert customer["externalSegments"] == [
            {"segment": "iab-audience-1.1:687", "expiresAt": "2036-06-01T00:00:00Z", "party": "THIRD_PARTY"}
        ]
        device = to.client.customer("device=38400000-8cf0-11bd-b23e-10b96e40000d", CUSTOMER)
        assert device["externalSegments"] == []
        # when: the platform says that it no longer holds; an older row that comes later changes nothing
        to.take(rows[0] + ended, **PROOF)
        to.take(rows[0] + rows[1], **PROOF)
        # then
        assert to.client.customer("cookie=ck-4711", CUSTOMER)["externalSegments"] == []


def test_a_pair_of_cookies_leads_from_the_partner_to_the_own_cookie(run: Run, tmp_path: Path) -> None:
    with door("cookie-sync", run, tmp_path) as to:
        # when
        to.take(sample("dmp/cookie-sync.csv"), **PROOF)
        again = to.take(sample("dmp/cookie-sync.csv"), **PROOF)
        # then
        assert again["accepted"] == 0
        nodes = to.client.customer("cookie=adco:x9-23", CUSTOMER)["identifiers"]["nodes"]
        assert {(node["namespace"], node["value"]) for node in nodes} == {
            ("cookie", "ck-4712"), ("cookie", "adco:x9-23"), ("device", "38400000-8cf0-11bd-b23e-10b96e40000d"),
        }  # fmt: skip
        assert to.client.customer("cookie=adco:x9-22")["id"] == to.client.customer("cookie=ck-4711")["id"]
        assert to.send(sample("dmp/cookie-sync.csv")).status_code == 401

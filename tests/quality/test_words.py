"""What no file of this repository says: files that are not in it, places on a machine, words that were given up."""

import re
import subprocess

import pytest

from tests.builders.repository import ROOT, files, text_of

HISTORY = ROOT / "CHANGELOG.md"
"""Old names are its subject."""
CITED = re.compile(
    r"(?<![\w/.*{}<>$-])(?:\.{1,2}/)*((?:[\w.-]+/)*[\w-]+\.(?:md|py|mjs|cypher|svg|yml)|(?:[\w.-]+/)+[\w-]+\.(?:sql|toml|graphql))\b"
    r"(?![(\w/])"
)
"""The name of a file, with or without its folder."""
FOLDERS = ("graph", "schema", "service", "docs", "examples")
"""Where retired names are looked for, beside README.md."""
_RETIRED = """
AFTER_SALES BAD_AMOUNT BAD_CONFIDENCE BAD_COUNT BAD_CURSOR BAD_DATE BAD_FIELD BAD_FILE BAD_HASH BAD_LENGTH
BAD_LINE BAD_NUMBER BAD_PAGE_SIZE BAD_REPRESENTATION BAD_RULE BAD_RULES BAD_SCENARIO BAD_SETTING BAD_SETUP
BAD_TEXT BAD_VALUE IDLE IN_THE_FUTURE KEPT KITH_AUTOMATIC_DOCUMENTS KITH_EXPLORER KITH_FEED_SECONDS
KITH_ONLY_TRUSTED KITH_POPULATION_SECONDS KITH_STATUSES LARGE_CUSTOMER LIMIT_EXCEEDED LIMIT_REACHED MARK_REMOVED
MARK_SET MEAN_DAYS_BETWEEN_ORDERS NOTHING_LEFT NOT_AT_A_TIME NOT_OPEN NOT_THIS_WAY NOT_TRUSTED ORIENTATION
OTHER_FILES RULES_MOVED SAME_ATTRIBUTE SAME_IDENTIFIER SEGMENT_LEFT SHARED_VALUE SILENCE STATISTICAL
SUSPENDED_GROWTH TOLD TOO_OLD UNKNOWN_CHANGE UNKNOWN_DOCUMENT UNKNOWN_MARK UNKNOWN_PREVIEW UNKNOWN_SEGMENT
VALUE_BLOCKED VALUE_EMPTY VALUE_INVALID VALUE_TOO_LONG VALUE_TOO_SHORT AppealReaction BlockInput
CampaignReaction ChangeSegmentInput ChurnSignal ConsentAnswer Favourite Favourites Habits IdentifierName
JourneyPhase MarkConnection MarkEdge MarkInput MarkKind MarkPayload OutsideCondition OutsideSegment
OutsideSegmentInput RecordOutsideSegmentsInput RemoveMarkInput ReportedDecision RfmSegment RulesDifference
RulesProgress SimulatedRefusal Standing StayedIdentifier UndoChangeInput UndoPayload WhyChain WhyStep
after_sales_days anniversaryWithin asExpected asOf atLeast atMost catalogue changeSegment countCustomers
customersNow customersThen decisionHours decision_days email_clicked email_unsubscribed favourite favourites
firstSeen inCart isWith lastAt lastSeen licence lookedAt markId meanDaysBetweenOrders mean_days_between_orders
neighbour neighbours normalisation normalise normaliser openingHour openingWeekday orientation_days otherId
outsideSegment outsideSegments outside_segments page_view personalised_offers postcode product_view
purchaseValue read_under recordOutsideSegments removeMark retiredId statedAt stated_at textVersion undoChange
upto_id upto_source viewedNotBought wasWith yearsAsCustomer yearsAtLeast yearsAtMost
"""
RETIRED = frozenset(_RETIRED.split())
"""Names of 0.1.0 that mean nothing now: see CHANGELOG.md for what replaced them. British spellings, too."""


def suffixes(name: str) -> set[str]:
    """A path, and what it is called from within its folders."""
    parts = name.split("/")
    return {"/".join(parts[start:]) for start in range(len(parts))}


def test_no_file_is_cited_that_is_not_here() -> None:
    known = set().union(*(suffixes(path.relative_to(ROOT).as_posix()) for path in files()))
    assert {"README.md", "docs/index.md", "resolution.py"} <= known
    for path in files():
        # Locked versions name files of packages.
        if path == HISTORY or path.suffix == ".json":
            continue
        missing = {name for name in CITED.findall(text_of(path)) if name not in known}
        assert not missing, f"{path.relative_to(ROOT)} cites {missing}"


def test_no_path_of_a_machine_and_no_registry_is_committed() -> None:
    registries = re.compile(r"\b(pypi|npmjs|crates|repo\w*\.maven|maven)\.(org|com|io)\b")
    for path in files():
        text = text_of(path)
        assert str(ROOT) not in text, path
        assert not registries.search(text.replace("maven.apache.org/POM", "")), path


def test_no_file_is_committed_that_git_ignores() -> None:
    # Keys, stores and logs that a service or a test leaves in the checkout.
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""


def test_nothing_says_to_install_the_package_of_a_stranger() -> None:
    # `kith` on the public index is another product: Kith is installed from a checkout or a wheel.
    stranger = re.compile(
        r"(?:pip|pipx|uv|poetry)\b[^\n]*\b(?:install|add)\b[^\n]*[\s'\"`]kith(?![-\w/.])|kith\[[a-z,]+]=="
    )
    assert stranger.search("pip install 'kith[bulk]'")
    for path in files():
        if path.name != "test_words.py":
            assert not (found := stranger.search(text_of(path))), f"{path.relative_to(ROOT)}: {found}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_retired_names_do_not_come_back(folder: str) -> None:
    retired = re.compile(rf"\b(?:{'|'.join(map(re.escape, RETIRED))})\b")
    mappings = ROOT / "service" / "connectors" / "mappings"
    for path in files():
        if path.is_relative_to(mappings):
            continue  # They name what other systems call a thing.
        if path.is_relative_to(ROOT / folder) or path == ROOT / "README.md":
            found = retired.findall(text_of(path))
            assert not found, f"{path.relative_to(ROOT)} says {sorted(set(found))}"

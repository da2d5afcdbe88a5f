"""The work for a document grows with its size and with its expanded fields, which are limited, and no faster.

Work is counted in executed lines of Python, those of graphql-core included: for parsing, validation, weighing,
look-ahead, compiling and execution.
"""

from collections.abc import Callable, Sequence

import pytest
from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, parse
from graphql.language import Lexer, Source, TokenKind
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from graph.viewer_graph import ViewerGraph
from schema.execution.access import AccessRules
from schema.execution.document_weight import DocumentWeigher
from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from service.access.authentication import LOCAL
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run
from tests.builders.steps import count_steps
from tests.builders.strategies import SETTINGS

CORE = schema._schema
LIMITS = Limits(depth=1_000, aliases=10**9, directives=10**6, tokens=10**6, cost=10**12)
"""The default limit of fields, and no others."""
STEPS = 1_000
"""Steps per token and expanded field: parsing, weighing and validation take up to 700, a run takes fewer."""
MORE_STEPS = 150_000
"""Steps that do not depend on the size: the suggestions of up to 20 errors, the graph's own work for one customer."""
CUSTOMER = '{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) '


def repeated(part: str, around: str = "#") -> Callable[[int], str]:
    """Return a document with a part repeated in the selection of a customer. `%` is the number of the repetition."""
    return lambda n: (
        CUSTOMER + "{ " + around.replace("#", " ".join(part.replace("%", str(i)) for i in range(n))) + " } }"
    )


def fragments(body: str) -> Callable[[int], str]:
    """Return a document with a chain of fragments. `#1` and `#2` in the body spread the next two, `%` is the number."""

    def fragment(i: int) -> str:
        spread = body.replace("%", str(i)).replace("#1", f"...F{i + 1}").replace("#2", f"...F{i + 2}")
        return f"fragment F{i} on Customer {{ {spread} }}"

    def document(n: int) -> str:
        ends = f"fragment F{n} on Customer {{ id }} fragment F{n + 1} on Customer {{ known }}"
        return " ".join([CUSTOMER + "{ ...F0 } }", *map(fragment, range(n)), ends])

    return document


def operations(n: int) -> str:
    """Return a document with several operations that share fragments."""
    shared = " ".join(f"fragment F{i} on Query {{ a{i}: customer(by: $by) {{ id }} }}" for i in range(4))
    return " ".join(f"query Q{i}($by: CustomerBy!) {{ ...F0 ...F1 ...F2 ...F3 }}" for i in range(n)) + shared


def every_later_fragment(n: int) -> str:
    """Return a document whose fragments each spread all later ones."""
    bodies = (
        f"fragment F{i} on Customer {{ id {' '.join(f'...F{later}' for later in range(i + 1, n))} }}" for i in range(n)
    )
    return " ".join([CUSTOMER + "{ ...F0 } }", *bodies])


DOCUMENTS: dict[str, Callable[[int], str]] = {
    "repeated fields": repeated("id"),
    "repeated objects": repeated("metrics { orderCount }"),
    "repeated pages": repeated("orders(first: 3) { nodes { number } }"),
    "aliases": repeated("a%: id"),
    "conflicts": repeated("a: id a: known"),
    "unknown fields": repeated("known%"),
    "inline fragments": repeated("... on Customer { metrics { orderCount } }"),
    "directives": repeated("id @skip(if: false)"),
    "nested overlaps": repeated("customer { metrics { orderCount } }", "orders(first: 1) { nodes { # } }"),
    "fragments of the next": fragments("id #1"),
    "fragments of the next two": fragments("id known #1 #2"),
    "fragments of the next two, inside": fragments("id ... on Customer { #1 } ... on Customer { #2 }"),
    "fragments below objects": fragments("id orders(first: 1) { nodes { customer { #1 } } edges { node { number } } }"),
    "all later fragments": every_later_fragment,
    "operations": operations,
    "introspection": lambda n: "{ __schema { types { fields { " + "type { name } " * n + "} } } }",
    "introspection aliases": lambda n: (
        "{ " + " ".join(f"a{i}: __schema {{ types {{ name }} }}" for i in range(n)) + "}"
    ),
    "variables": lambda n: (
        "query("
        + " ".join(f"$v{i}: Int!" for i in range(n))
        + ") "
        + repeated("a%: orders(first: $v%) { __typename }")(n)
    ),
    "list": lambda n: "{ nodes(ids: [" + '"a" ' * n + "]) { id } }",
}


def size_of(text: str) -> int:
    """Return the number of tokens of a document, and of its expanded fields if they are within the limit."""
    lexer, tokens = Lexer(Source(text)), 1
    while lexer.advance().kind is not TokenKind.EOF:
        tokens += 1
    document = parse(text)
    try:
        fields = DocumentWeigher(CORE, document, {}).operation(document.definitions[0]).fields
    except GraphQLError:
        # Fragments are nested too deeply, which ends the analysis.
        return tokens
    return tokens + (fields if fields <= LIMITS.fields else 0)


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_analyzing_a_document_takes_steps_in_proportion_to_its_size(document: Callable[[int], str]) -> None:
    for count in (8, 32, 96):
        text = document(count)
        steps = count_steps(lambda text=text: Documents(CORE, LIMITS).get(text))
        assert steps <= MORE_STEPS + STEPS * size_of(text), count


def many_operations(n: int) -> str:
    """Return a document with many operations, each of which spreads all of many fragments."""
    spreads = " ".join(f"...F{i}" for i in range(n))
    shared = " ".join(f"fragment F{i} on Query {{ a{i}: viewer {{ name role }} }}" for i in range(n))
    return " ".join(f"query Q{i} {{ {spreads} }}" for i in range(10 * n)) + shared


@pytest.mark.parametrize("document", [*DOCUMENTS.values(), many_operations], ids=[*DOCUMENTS, "many operations"])
def test_finding_what_an_operation_needs_takes_steps_in_proportion_to_the_document(
    document: Callable[[int], str],
) -> None:
    for count in (8, 32, 96):
        node = parse(document(count))
        operation = next(one for one in node.definitions if isinstance(one, OperationDefinitionNode))
        fragments = [one for one in node.definitions if isinstance(one, FragmentDefinitionNode)]
        access = AccessRules(CORE).of_document(fragments)
        # the characters of the operation and of the fragments, not those of other operations
        size = sum(one.loc.end - one.loc.start for one in [operation, *fragments])
        assert count_steps(lambda access=access, operation=operation: access.needs(operation)) <= 500 + 20 * size


def test_a_request_pays_for_the_operation_that_it_names() -> None:
    # given: a document of 300 operations and 30 fragments, whose first operation has run
    document = Documents(CORE, replace(LIMITS, length=10**7, fields=10**6)).get(many_operations(30))
    assert not document.errors
    first = count_steps(lambda: document.operation("Q0").needs)
    # then: another operation costs no more, and one that has run costs nothing
    assert count_steps(lambda: document.operation("Q299").needs) <= first
    assert count_steps(lambda: document.operation("Q0").needs) < 20


PARTS = [
    "id",
    "a%: known",
    "#1",
    "#2",
    "... on Customer { #1 }",
    "... { known #2 }",
    "... @include(if: true) { #1 }",
    "metrics { orderCount }",
    "orders(first: 2) { nodes { number customer { #1 } } }",
    "orders(first: 2) { nodes { number customer { #2 id } } }",
    "timeline(first: 1) { edges { node { __typename } } }",
]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5), st.sampled_from([4, 16, 48]))
@settings(max_examples=25, deadline=None)
def test_analyzing_generated_fragments_takes_steps_in_proportion_to_their_size(parts: Sequence[str], n: int) -> None:
    # given
    text = fragments(" ".join(parts))(n)
    documents = Documents(CORE, LIMITS)
    # when
    steps = count_steps(lambda: documents.get(text))
    # then
    event(f"valid: {not documents.get(text).errors}")
    assert steps <= MORE_STEPS + STEPS * size_of(text), text


@pytest.fixture(scope="module")
def graph(run: Run, tmp_path_factory: pytest.TempPathFactory) -> IdentityGraph:
    """One customer with two orders."""
    store = SQLiteStore(tmp_path_factory.mktemp("store") / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    client.link(seen("email=ann@example.com", "crm_id=1"))
    client.record(order("A1", "email=ann@example.com"), order("A2", "email=ann@example.com"))
    yield client.graph
    run(store.close())


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5), st.sampled_from([4, 16, 48]))
@settings(SETTINGS, max_examples=15)
def test_running_generated_fragments_takes_steps_in_proportion_to_their_size(
    run: Run, graph: IdentityGraph, parts: Sequence[str], n: int
) -> None:
    # given
    text = fragments(" ".join(parts))(n)
    runner = OperationRunner(schema, LIMITS)
    runner.documents.get(text)

    async def ask() -> None:
        await runner.run(GraphQLRequest(text, {}), new_context(ViewerGraph(graph, LOCAL)), ALL)

    # when: graphql-core runs it, then it is compiled and runs, and then it runs compiled
    steps = [count_steps(lambda: run(ask())) for _ in range(3)]
    # then
    assert max(steps) <= MORE_STEPS + STEPS * size_of(text), text

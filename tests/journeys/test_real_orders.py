"""Real orders (CDNOW's sample): figures, scores and predictions equal what libraries make of the plain table, and the
models those that were published."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.dates import SECOND
from graph.domain.model.order_totals import Figures
from graph.domain.model.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.profile.prediction import expected, purchase_value, purchases, spent
from graph.domain.profile.rfm import standing
from graph.identity_graph import IdentityGraph
from service.bootstrap import currencies
from service.config import rules_file
from service.runtime import model_fitting
from service.runtime.ids import RandomIds
from tests.builders.runs import Run
from tests.builders.stores import Fresh

if not model_fitting.available():
    pytest.skip("the extra kith[predict] is not installed", allow_module_level=True)

SAMPLE = Path(__file__).parents[2] / "examples" / "cdnow" / "sample.txt"
END = datetime(1997, 9, 30, 23, 59, tzinfo=UTC)
"""The end of the first 39 weeks, to which the published models were fitted."""


LATER = timedelta(days=10_227)
"""From the last of these orders to the middle of 2026."""


class Then:
    """The clock of that day."""

    def now(self) -> int:
        return int(END.timestamp()) * SECOND


@dataclass
class Shop:
    """The orders as a plain table, and what Kith holds of them."""

    plain: Any
    graph: IdentityGraph
    figures: dict[str, Figures]


def rows() -> list[tuple[str, str, str, str]]:
    lines = (line.split() for line in SAMPLE.read_text("ascii").splitlines())
    return [(who, day, count, dollars) for who, day, count, dollars in lines if day <= f"{END:%Y%m%d}"]


async def imported(graph: IdentityGraph) -> dict[str, Figures]:
    statements: list[OrderStatement] = []
    for number, (who, day, count, dollars) in enumerate(rows()):
        at = int(datetime.strptime(f"{day}T12Z", "%Y%m%dT%H%z").timestamp()) * SECOND
        line = OrderLine("cd", Decimal(count), Decimal(dollars))
        order = Order(f"c/{number}", "cdnow", at, at, "USD", Decimal(dollars), OrderStatus.PAID, (line,))
        statements.append(OrderStatement(order, (("crm_id", who),)))
    for start in range(0, len(statements), 1_000):
        await graph.record_orders(statements[start : start + 1_000])
    await graph.census.count()
    await graph.census.fitted()
    found: dict[str, Figures] = {}
    stored = dict(await graph._store.figures("", 5_000))
    whose = list(dict.fromkeys(who for who, *_ in rows()))
    ids = await graph._store.holders([f"crm_id={who}" for who in whose])
    for who, id in zip(whose, ids, strict=True):
        found[who] = stored[id]
    return found


@pytest.fixture
def shop(fresh: Fresh, run: Run) -> Shop:
    import pandas

    store = fresh()
    rules = rules_file.parse(rules_file.default_text())
    graph = IdentityGraph(store, rules, Then(), RandomIds(), currencies(), rules_file.parse, fit=model_fitting.fit)
    run(graph.rules_control.open(rules_file.default_text()))
    plain = pandas.DataFrame([(who, day, float(usd)) for who, day, _, usd in rows()], columns=["who", "day", "usd"])
    plain["day"] = pandas.to_datetime(plain["day"], format="%Y%m%d")
    return Shop(plain, graph, run(imported(graph)))


def test_kith_agrees_with_the_library_and_with_what_was_published(shop: Shop, run: Run) -> None:
    import numpy
    import pandas
    from pymc_extras.prior import Prior
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel
    from pymc_marketing.clv.utils import rfm_summary

    # the figures that Kith keeps are the library's summary of the plain table
    now = Then().now()
    summary = rfm_summary(
        shop.plain, "who", "day", "usd", observation_period_end=END.strftime("%Y-%m-%d"), time_unit="D"
    ).set_index("customer_id")
    assert len(summary) == len(shop.figures) == 2357
    for who, figures in shop.figures.items():
        mine, theirs = purchases(figures, now), summary.loc[who]
        assert (mine.repeated, mine.recency * 7, mine.age * 7) == pytest.approx(
            (theirs["frequency"], theirs["recency"], theirs["T"])
        )
        value = spent(figures["USD"])
        assert (value[1] if value else 0) == pytest.approx(theirs["monetary_value"])

    # the models are those that were published
    population, model = run(shop.graph.census.latest())
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.001)
    assert model.spend["USD"] == pytest.approx((6.25, 3.74, 15.44), abs=0.01)

    # every customer's prediction is the library's own
    data = summary.reset_index().assign(recency=lambda d: d["recency"] / 7, T=lambda d: d["T"] / 7)
    often = BetaGeoModel(model_config={name: Prior("HalfFlat") for name in ("r", "alpha", "a", "b")})
    often.fit(data=data.drop(columns="monetary_value"), method="map", progressbar=False)
    theirs = often.expected_purchases(data=data, future_t=52).to_numpy().ravel()
    mine = [expected(model, purchases(shop.figures[who], now), 52) for who in data["customer_id"]]
    assert mine == pytest.approx(theirs, rel=1e-3)
    repeating = data[data["monetary_value"] > 0][["customer_id", "frequency", "monetary_value"]]
    much = GammaGammaModel(model_config={name: Prior("HalfFlat") for name in ("p", "q", "v")})
    much.fit(data=repeating, method="map", progressbar=False)
    theirs = much.expected_customer_spend(repeating).to_numpy().ravel()
    mine = [purchase_value(model.spend["USD"], spent(shop.figures[who]["USD"])) for who in repeating["customer_id"]]
    assert mine == pytest.approx(theirs, rel=1e-3)

    # recency, frequency and monetary value score as quintiles by nearest rank of the plain table do
    last = shop.plain.groupby("who")["day"].max()
    count, total = (shop.plain.groupby("who")["usd"].agg(what).round(2) for what in ("count", "sum"))
    for column, name in ((last, "recency"), (count, "frequency"), (total, "monetary")):
        numbers = column.astype("int64") if pandas.api.types.is_datetime64_any_dtype(column) else column
        cuts = numpy.percentile(numbers, [20, 40, 60, 80], method="inverted_cdf")
        for who, value in numbers.items():
            found = getattr(standing(shop.figures[who], population), name)
            assert found == 1 + sum(value > cut for cut in cuts)


def test_a_prediction_is_asked_for_over_graphql(run: Run, tmp_path: Path) -> None:
    from graph.stores.sqlite import EmbeddedStore
    from tests.builders.clients import Client, order

    # given
    store = EmbeddedStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    lines = [line.split() for line in SAMPLE.read_text("ascii").splitlines()][:900]
    orders = [
        order(
            f"W{n}",
            f"crm_id={who}",
            placedAt=f"{datetime.strptime(day, '%Y%m%d') + LATER:%Y-%m-%dT%H:%M:%SZ}",
            total=usd,
        )
        for n, (who, day, _, usd) in enumerate(lines)
    ]
    client.record(*orders)
    fields = "prediction { weeks alive purchases purchaseValue { amount currency } value { amount } customers }"
    assert client.customer("crm_id=00004", fields)["prediction"] is None
    # when
    client.graph.census._fit = model_fitting.fit
    client.ask("mutation { countCustomers { customers } }")
    run(asyncio.wait_for(client.graph.census.fitted(), 120))
    # then
    found = client.customer("crm_id=00004", fields)["prediction"]
    assert (found["weeks"], found["customers"], found["purchaseValue"]["currency"]) == (
        52,
        len({who for who, *_ in lines}),
        "EUR",
    )
    assert 0 < found["alive"] <= 1
    assert found["purchases"] > 0
    short = client.customer("crm_id=00004", fields.replace("prediction", "prediction(weeks: 4)"))["prediction"]
    assert short["purchases"] < found["purchases"]
    problem = client.send('{ customer(by: {identifier: {namespace: "crm_id", value: "00004"}}) { '
                          "prediction(weeks: 0) { weeks } } }").json()  # fmt: skip
    assert problem["errors"][0]["extensions"]["code"] == "BAD_VALUE"
    run(store.close())

"""Real orders (CDNOW's sample): order totals, scores and predictions equal those that libraries compute from the plain
table, and the fitted models equal the published ones."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.dates import SECOND
from graph.domain.model.order_totals import OrderTotals
from graph.domain.model.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.profile.prediction import expected_purchase_value, expected_purchases, purchase_history, repeat_spend
from graph.domain.profile.rfm import rfm_scores
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


class EndClock:
    """A clock that shows `END`."""

    def now(self) -> int:
        return int(END.timestamp()) * SECOND


@dataclass
class Shop:
    """The orders as a plain table, and in Kith."""

    plain: Any
    graph: IdentityGraph
    order_totals: dict[str, OrderTotals]
    """By the customer's number in the sample."""


def rows() -> list[tuple[str, str, str, str]]:
    """The customer, day, number of CDs and dollars of every order up to `END`."""
    lines = (line.split() for line in SAMPLE.read_text("ascii").splitlines())
    return [(customer, day, count, dollars) for customer, day, count, dollars in lines if day <= f"{END:%Y%m%d}"]


async def imported(graph: IdentityGraph) -> dict[str, OrderTotals]:
    statements: list[OrderStatement] = []
    for number, (customer, day, count, dollars) in enumerate(rows()):
        at = int(datetime.strptime(f"{day}T12Z", "%Y%m%dT%H%z").timestamp()) * SECOND
        line = OrderLine("cd", Decimal(count), Decimal(dollars))
        order = Order(f"c/{number}", "cdnow", at, at, "USD", Decimal(dollars), OrderStatus.PAID, (line,))
        statements.append(OrderStatement(order, (("crm_id", customer),)))
    for start in range(0, len(statements), 1_000):
        await graph.record_orders(statements[start : start + 1_000])
    await graph.statistics.recalculate()
    await graph.statistics.wait_until_fitted()
    stored = dict(await graph._store.order_totals("", 5_000))
    customers = list(dict.fromkeys(customer for customer, *_ in rows()))
    ids = await graph._store.customer_ids_of([f"crm_id={customer}" for customer in customers])
    return {customer: stored[id] for customer, id in zip(customers, ids, strict=True)}


@pytest.fixture
def shop(fresh: Fresh, run: Run) -> Shop:
    import pandas

    store = fresh()
    rules = rules_file.parse(rules_file.default_text())
    graph = IdentityGraph(store, rules, EndClock(), RandomIds(), currencies(), rules_file.parse, fit=model_fitting.fit)
    run(graph.rules_control.open(rules_file.default_text()))
    orders = [(customer, day, float(usd)) for customer, day, _, usd in rows()]
    plain = pandas.DataFrame(orders, columns=["customer", "day", "usd"])
    plain["day"] = pandas.to_datetime(plain["day"], format="%Y%m%d")
    return Shop(plain, graph, run(imported(graph)))


def test_predictions_equal_those_of_the_library_and_the_models_the_published_ones(shop: Shop, run: Run) -> None:
    import numpy
    import pandas
    from pymc_extras.prior import Prior
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel
    from pymc_marketing.clv.utils import rfm_summary

    # the stored order totals equal the library's summary of the plain table
    now = EndClock().now()
    summary = rfm_summary(
        shop.plain, "customer", "day", "usd", observation_period_end=END.strftime("%Y-%m-%d"), time_unit="D"
    ).set_index("customer_id")
    assert len(summary) == len(shop.order_totals) == 2357
    for customer, order_totals in shop.order_totals.items():
        history, expected = purchase_history(order_totals, now), summary.loc[customer]
        assert (history.repeat_purchases, history.recency * 7, history.age * 7) == pytest.approx(
            (expected["frequency"], expected["recency"], expected["T"])
        )
        value = repeat_spend(order_totals["USD"])
        assert (value[1] if value else 0) == pytest.approx(expected["monetary_value"])

    # the fitted models equal the published ones
    population, model = run(shop.graph.statistics.latest())
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.001)
    assert model.spend["USD"] == pytest.approx((6.25, 3.74, 15.44), abs=0.01)

    # every customer's prediction equals the library's
    data = summary.reset_index().assign(recency=lambda d: d["recency"] / 7, T=lambda d: d["T"] / 7)
    frequency = BetaGeoModel(model_config={name: Prior("HalfFlat") for name in ("r", "alpha", "a", "b")})
    frequency.fit(data=data.drop(columns="monetary_value"), method="map", progressbar=False)
    expected = frequency.expected_purchases(data=data, future_t=52).to_numpy().ravel()
    histories = [purchase_history(shop.order_totals[customer], now) for customer in data["customer_id"]]
    assert [expected_purchases(model, history, 52) for history in histories] == pytest.approx(expected, rel=1e-3)
    repeating = data[data["monetary_value"] > 0][["customer_id", "frequency", "monetary_value"]]
    value = GammaGammaModel(model_config={name: Prior("HalfFlat") for name in ("p", "q", "v")})
    value.fit(data=repeating, method="map", progressbar=False)
    expected = value.expected_customer_spend(repeating).to_numpy().ravel()
    spends = [repeat_spend(shop.order_totals[customer]["USD"]) for customer in repeating["customer_id"]]
    values = [expected_purchase_value(model.spend["USD"], spend) for spend in spends]
    assert values == pytest.approx(expected, rel=1e-3)

    # the scores of recency, frequency and monetary value equal the quintiles of the plain table by nearest rank
    last = shop.plain.groupby("customer")["day"].max()
    count, total = (shop.plain.groupby("customer")["usd"].agg(function).round(2) for function in ("count", "sum"))
    for column, name in ((last, "recency"), (count, "frequency"), (total, "monetary")):
        numbers = column.astype("int64") if pandas.api.types.is_datetime64_any_dtype(column) else column
        cut_points = numpy.percentile(numbers, [20, 40, 60, 80], method="inverted_cdf")
        for customer, number in numbers.items():
            score = getattr(rfm_scores(shop.order_totals[customer], population), name)
            assert score == 1 + sum(number > cut_point for cut_point in cut_points)


def test_a_prediction_is_read_over_graphql(run: Run, tmp_path: Path) -> None:
    from graph.stores.sqlite import SQLiteStore
    from tests.builders.clients import Client, order, seen

    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    lines = [line.split() for line in SAMPLE.read_text("ascii").splitlines()][:900]
    orders = [
        order(
            f"W{n}",
            f"crm_id={customer}",
            placedAt=f"{datetime.strptime(day, '%Y%m%d') + LATER:%Y-%m-%dT%H:%M:%SZ}",
            total=usd,
        )
        for n, (customer, day, _, usd) in enumerate(lines)
    ]
    client.record(*orders)
    fields = """predictionStatus prediction { weeks probabilityAlive expectedPurchases
      expectedPurchaseValue { amount currency } expectedValue { amount } fittedToCustomers }"""
    assert client.customer("crm_id=00004", fields) == {"predictionStatus": "NOT_INSTALLED", "prediction": None}
    client.link(seen("crm_id=9", "email=nothing@example.com"))
    assert client.customer("crm_id=9", fields) == {"predictionStatus": "NO_ORDERS", "prediction": None}
    # when
    client.graph.statistics._fit = model_fitting.fit
    assert client.customer("crm_id=00004", fields)["predictionStatus"] == "NOT_FITTED_YET"
    client.ask("mutation { recalculateRfm { customerCount } }")
    run(asyncio.wait_for(client.graph.statistics.wait_until_fitted(), 120))
    # then
    assert client.customer("crm_id=00004", fields)["predictionStatus"] == "AVAILABLE"
    year = client.customer("crm_id=00004", fields)["prediction"]
    assert (year["weeks"], year["fittedToCustomers"]) == (52, len({customer for customer, *_ in lines}))
    assert year["expectedPurchaseValue"]["currency"] == "EUR"
    assert 0 < year["probabilityAlive"] <= 1
    assert year["expectedPurchases"] > 0
    month = client.customer("crm_id=00004", fields.replace("prediction {", "prediction(weeks: 4) {"))["prediction"]
    assert month["expectedPurchases"] < year["expectedPurchases"]
    problem = client.send('{ customer(by: {identifier: {namespace: "crm_id", value: "00004"}}) { '
                          "prediction(weeks: 0) { weeks } } }").json()  # fmt: skip
    assert problem["errors"][0]["extensions"]["code"] == "INVALID_VALUE"
    run(store.close())

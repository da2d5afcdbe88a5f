"""RFM scores and purchase prediction of a customer in GraphQL."""

import strawberry

from graph.domain.access.scopes import INSIGHTS_READ, RFM_CALCULATE
from graph.domain.profile.prediction import Prediction as DomainPrediction
from graph.domain.profile.prediction import PredictionStatus
from graph.domain.profile.rfm import RfmGroup
from graph.domain.profile.rfm import RfmPopulation as DomainRfmPopulation
from graph.domain.profile.rfm import RfmScores as DomainRfmScores
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.money import Money, money

describe_enum(
    RfmGroup,
    "RfmGroup",
    "Groups of customers by their recency and frequency scores.",
    CHAMPIONS="Order often, and ordered recently.",
    LOYAL="Order often.",
    POTENTIAL_LOYALIST="Ordered recently, and more than once.",
    NEW="Placed their first order very recently.",
    PROMISING="Placed their first order recently.",
    NEEDS_ATTENTION="Average recency and frequency.",
    ABOUT_TO_SLEEP="Ordered rarely, and not recently.",
    AT_RISK="Ordered often, but long ago.",
    CANNOT_LOSE="Ordered most often, but long ago.",
    LOST="Ordered rarely, and long ago.",
)
describe_enum(
    PredictionStatus,
    "PredictionStatus",
    "Whether the purchases of a customer can be predicted.",
    AVAILABLE="There is a prediction.",
    NO_ORDERS="The customer has no orders.",
    NOT_FITTED_YET="The models have not been fitted yet: that happens in the background, once 50 customers have "
    "ordered on more than one day.",
    NOT_INSTALLED="The service was installed without the extra `predict`.",
    WITHHELD="The customer may not be profiled: the purpose of the request needs a consent that it did not give, it "
    "objects to profiling, or its processing is restricted.",
)


@requires(INSIGHTS_READ)
@strawberry.type(
    description="RFM scores and percentiles: the customer's current orders, compared with all customers with orders at "
    "the last calculation. Customers with equal values have equal scores."
)
class RfmScores:
    """RFM scores in GraphQL."""

    recency: int = strawberry.field(description="The recency score, 1 to 5. 5 is the most recent last order.")
    frequency: int = strawberry.field(description="The frequency score, 1 to 5. 5 is the most orders.")
    monetary: int = strawberry.field(
        description="The monetary score, 1 to 5. 5 is the highest revenue in the customer's main currency."
    )
    group: RfmGroup = strawberry.field(description="The group, from the recency and frequency scores.")
    recency_percentile: int = strawberry.field(
        description="The percentage of customers whose last order is older, 0 to 99."
    )
    orders_percentile: int = strawberry.field(description="The percentage of customers with fewer orders, 0 to 99.")
    revenue_percentile: int = strawberry.field(
        description="The percentage of customers with less revenue in the same currency, 0 to 99."
    )
    currency: str = strawberry.field(
        description="The customer's main currency: the one of most of its orders, as an ISO 4217 code. E.g. `EUR`. "
        "Revenue in other currencies is not included."
    )
    calculated_at: Timestamp = strawberry.field(description="When the scores of all customers were last calculated.")

    @classmethod
    def of(cls, scores: DomainRfmScores) -> "RfmScores":
        """Convert the domain's value."""
        return cls(
            recency=scores.recency,
            frequency=scores.frequency,
            monetary=scores.monetary,
            group=scores.group,
            recency_percentile=scores.recency_percentile,
            orders_percentile=scores.orders_percentile,
            revenue_percentile=scores.revenue_percentile,
            currency=scores.currency,
            calculated_at=Timestamp(scores.calculated_at),
        )


@requires(INSIGHTS_READ)
@strawberry.type(
    description="The purchases that a customer is expected to make, by the BG/NBD and Gamma-Gamma models. All orders "
    "of one day (UTC) are one purchase."
)
class Prediction:
    """A prediction in GraphQL."""

    weeks: int = strawberry.field(description="The number of weeks, from now, that the prediction covers.")
    probability_alive: float = strawberry.field(
        description="The probability that the customer is still active, 0 to 1."
    )
    expected_purchases: float = strawberry.field(description="The expected number of purchases. E.g. `2.4`.")
    expected_purchase_value: Money | None = strawberry.field(
        description="The expected value of one purchase, in the currency of most of the customer's orders. Null if too "
        "few customers order in this currency."
    )
    expected_value: Money | None = strawberry.field(
        description="The expected value of all these purchases: their number times their value, not discounted. Null "
        "if `expectedPurchaseValue` is null. Past revenue is in `metrics.revenue`."
    )
    fitted_at: Timestamp = strawberry.field(description="When the models were fitted.")
    fitted_to_customers: int = strawberry.field(description="The number of customers that the models were fitted to.")

    @classmethod
    def of(cls, prediction: DomainPrediction) -> "Prediction":
        """Convert the domain's value."""
        currency = prediction.currency
        purchase_value, value = (
            None if amount is None else Money(amount=money(amount, currency, rounded=True), currency=currency)
            for amount in (prediction.expected_purchase_value, prediction.expected_value)
        )
        return cls(
            weeks=prediction.weeks,
            probability_alive=round(prediction.probability_alive, 4),
            expected_purchases=round(prediction.expected_purchases, 4),
            expected_purchase_value=purchase_value,
            expected_value=value,
            fitted_at=Timestamp(prediction.fitted_at),
            fitted_to_customers=prediction.fitted_to_customers,
        )


@requires(RFM_CALCULATE)
@strawberry.type(description="The result of `recalculateRfm`.")
class RfmCalculation:
    """A calculation in GraphQL."""

    customer_count: int = strawberry.field(description="The number of customers with orders.")
    calculated_at: Timestamp = strawberry.field(description="When the scores were calculated.")

    @classmethod
    def of(cls, population: DomainRfmPopulation) -> "RfmCalculation":
        """Convert the domain's value."""
        return cls(customer_count=population.customer_count, calculated_at=Timestamp(population.calculated_at))

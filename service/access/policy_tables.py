"""The tables of `access.toml` about what is shown: policies, labels, budgets, and segments for clerks."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from graph.domain.access.policies import Policies, Policy
from graph.domain.access.roles import Roles
from graph.domain.model.errors import InvalidInput
from graph.domain.model.labels import ATTRIBUTES, NAMESPACES, Label
from service.access.budgets import DEFAULT_BUDGETS, VISITOR, Budget

LabelName = Literal["direct_identifier", "contact", "behavior", "profiling", "sensitive", "third_party", "contract"]
Labels = dict[str, list[LabelName]]
Count = Annotated[StrictInt, Field(ge=1, le=100_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PolicyTable(_Strict):
    """A table `[[policy]]`."""

    label: LabelName
    purpose: Annotated[str, Field(min_length=1, max_length=64)]
    needs_consent: Annotated[str, Field(min_length=1, max_length=60)]


class LabelTables(_Strict):
    """The tables `[labels.namespaces]` and `[labels.attributes]`."""

    namespaces: Labels = {}
    attributes: Labels = {}


class BudgetTable(_Strict):
    """A table `[budgets.ROLE]`."""

    per_minute: Count
    per_hour: Count
    misses_per_hour: Count | None = None
    callers_per_address: Count | None = None


def policies_of(declared: list[PolicyTable], labels: LabelTables) -> Policies:
    """Return the policies with the labels of the file, which replace those that Kith assumes for the same name."""
    return Policies(
        tuple(Policy(Label(policy.label), policy.purpose, policy.needs_consent) for policy in declared),
        {**NAMESPACES, **_labels(labels.namespaces)},
        {**ATTRIBUTES, **_labels(labels.attributes)},
    )


def check_consents(policies: Policies, purposes: tuple[str, ...]) -> None:
    """Raise `InvalidInput` if a policy needs a consent that attributes.toml does not declare."""
    for number, policy in enumerate(policies.policies, 1):
        if policy.needs_consent not in purposes:
            allowed = f"is not declared in attributes.toml; {', '.join(purposes)} are"
            message = f"KITH_ACCESS: policy.{number}.needs_consent: {policy.needs_consent!r} {allowed}"
            raise InvalidInput("INVALID_SETTING", message)


def budgets_of(declared: Mapping[str, BudgetTable], roles: Roles) -> Mapping[str, Budget]:
    """Return the budgets by role: those of the file, and the default ones for other roles. Raises `InvalidInput`."""
    for name, table in declared.items():
        if name != VISITOR and name not in roles.grantable:
            allowed = ", ".join((*roles.grantable, VISITOR))
            raise InvalidInput("INVALID_SETTING", f"budgets.{name[:60]}: {name[:60]!r} is not a role; {allowed} are")
        if table.per_hour < table.per_minute:
            message = f"budgets.{name}.per_hour: '{table.per_hour}' is less than per_minute"
            raise InvalidInput("INVALID_SETTING", message)
    return {**DEFAULT_BUDGETS, **{name: Budget(**table.model_dump()) for name, table in declared.items()}}


def _labels(tables: Labels) -> dict[str, frozenset[Label]]:
    return {name: frozenset(map(Label, labels)) for name, labels in tables.items()}

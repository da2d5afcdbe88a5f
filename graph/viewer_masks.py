"""What a viewer is shown of values: identifiers and attributes that it may not read are masked."""

from collections.abc import Iterable, Mapping

from graph.commands.references import IDENTIFIER, References
from graph.domain.access.masked_values import Masks
from graph.domain.access.policies import PurposePolicies, WithheldValues
from graph.domain.access.scopes import GRAPH_READ
from graph.domain.access.viewer import Viewer
from graph.domain.model.identifiers import namespace_of
from graph.domain.profile.attributes import ProfileAttribute
from graph.domain.profile.insights import CustomerInsights
from graph.domain.profile.pages import CustomerView
from graph.identity_graph import IdentityGraph

REFERENCE = "ref_"
"""What references to identifiers begin with."""


class ViewerMasks:
    """Masks values for one viewer. An identifier that it names in its request is shown to it as it is."""

    __slots__ = ("_graph", "_masks", "_named", "_presented", "viewer")

    def __init__(self, graph: IdentityGraph, viewer: Viewer) -> None:
        self._graph, self.viewer = graph, viewer
        self._named: set[str] = set()
        self._presented: set[str] = set()
        self._masks: Masks | None = None

    @property
    def _policies(self) -> PurposePolicies | None:
        """The policies of the purpose of the request; `None` if there are none."""
        return self._graph.policies.for_purpose(self.viewer.purpose) if self.viewer.purpose else None

    @property
    def masks(self) -> Masks:
        """What masks values for the viewer; it is shown the identifiers that it sent itself.

        Where no customer is read whose consents are known, everything that needs one is masked.
        """
        if self._masks is None:
            self._masks = self._masks_with(None if self._policies is None else self._policies.withheld_from_all)
        return self._masks

    def _masks_with(self, withheld: WithheldValues | None) -> Masks:
        return Masks(self.viewer, self._graph.rules, self._graph.catalog, self._presented, withheld)

    @property
    def sees_all_values(self) -> bool:
        """Whether the viewer reads all identifiers unmasked."""
        return self.viewer.sees_contacts and self._policies is None

    @property
    def references(self) -> References | None:
        """What hides the values in cursors; `None` for a viewer that sees them."""
        return None if self.sees_all_values else self._graph.references

    def key(self, namespace: str, raw: str, path: tuple[str | int, ...] = ()) -> str:
        """Return the key of an identifier that the caller names by its value, or by its reference.

        Raises `InvalidInput` if it cannot be an identifier.
        """
        if raw.startswith(REFERENCE) and self.viewer.may(GRAPH_READ) and self.viewer.is_unrestricted:
            key = self._graph.references.unseal(raw.removeprefix(REFERENCE), IDENTIFIER)
            if key is not None and namespace_of(key) == namespace:
                return key
        key = self._graph.rules.key(namespace, raw, path)
        self._named.add(key)
        return key

    async def reference_to(self, key: str) -> str:
        """Return the reference to an identifier."""
        await self._graph.references.open()
        return REFERENCE + self._graph.references.seal(key, IDENTIFIER)

    def shown_profile(self, insights: CustomerInsights) -> Mapping[str, ProfileAttribute]:
        """Return the attributes of a customer, of whose view those that are withheld have been left out."""
        masks = self.masks if self._policies is None else self._masks_with(None)
        return masks.profile(insights.profile)

    async def _shown(self, views: list[CustomerView | None]) -> list[CustomerView | None]:
        """Return views with what the viewer is shown of their values, and without what its purpose may not show."""
        masks = self.masks
        if not masks.hides_anything:
            return views
        await self._graph.references.open()
        policies = self._policies
        if policies is None:
            return [view if view is None else masks.view(view) for view in views]
        shown: list[CustomerView | None] = []
        for view in views:
            if view is not None:
                view, withheld = policies.apply(view, self._graph.catalog)
                view = self._masks_with(withheld).view(view)
            shown.append(view)
        return shown

    def _present(self, keys: Iterable[str]) -> None:
        """Show the keys as they are from now on, as far as the caller named their values itself.

        To be called once what is asked for has been counted, or done. A key that is refused stays masked: otherwise a
        caller could name many that it guesses, and read from the answer which of them a customer has.
        """
        self._presented.update(key for key in keys if key in self._named)

    def _present_text(self, text: str) -> None:
        """Note the identifiers that a text may be: the caller is shown what it typed as it is."""
        for namespace in self._graph.rules.names:
            value = self._graph.rules.normalize_value(namespace, text)
            if isinstance(value, str):
                self._presented.add(f"{namespace}={value}")

"""The types of destinations. The modules of most are loaded only where a destination of the type is configured."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from graph.domain.model.errors import InvalidInput
from service.config.destinations_file import DestinationSettings, Models
from service.destinations.adapter import Adapter
from service.destinations.brevo import BrevoAdapter, BrevoSettings
from service.destinations.cloudevents import CloudEventsAdapter, CloudEventsSettings
from service.destinations.dmp import DmpAdapter, DmpSettings
from service.destinations.files.settings import FilesSettings
from service.destinations.google_data_manager import GoogleDataManagerAdapter, GoogleDataManagerSettings
from service.destinations.hubspot import HubspotAdapter, HubspotSettings
from service.destinations.kafka_settings import KafkaSettings
from service.destinations.mailchimp import MailchimpAdapter, MailchimpSettings
from service.destinations.meta_custom_audiences import MetaCustomAudiencesAdapter, MetaCustomAudiencesSettings
from service.destinations.nats_settings import NatsSettings
from service.destinations.salesforce import SalesforceAdapter
from service.destinations.salesforce_api import SalesforceSettings
from service.destinations.the_trade_desk import TheTradeDeskAdapter, TheTradeDeskSettings
from service.destinations.webhook import WebhookAdapter, WebhookSettings


class DestinationType(Struct, frozen=True):
    """A type of destination: what its settings are, and what opens its adapter; connections are made when sending.

    With `keeps_removed`, the destination may keep a record of an address that was taken from an audience.
    `load`, or what it returns, may raise `ImportError` without the extra `extra`.
    """

    settings: type[DestinationSettings]
    load: Callable[[], Callable[[Any], Adapter]]
    extra: str = ""
    keeps_removed: bool = True

    def open(self, settings: DestinationSettings) -> Adapter:
        """Return an adapter with settings of this type. Raises `InvalidInput`."""
        try:
            return self.load()(settings)
        except ImportError as error:
            message = f"destinations of type {settings.type} require the extra `{self.extra}`"
            install = f"pip install 'kith-graph[{self.extra}]'"
            raise InvalidInput("MISSING_EXTRA", f"{message}: {install} (missing: {error.name})") from error


def _files() -> Callable[[Any], Adapter]:
    from service.destinations.files.adapter import FilesAdapter

    return FilesAdapter


def _kafka() -> Callable[[Any], Adapter]:
    from service.destinations.kafka import KafkaAdapter

    return KafkaAdapter


def _nats() -> Callable[[Any], Adapter]:
    from service.destinations.nats import NatsAdapter

    return NatsAdapter


TYPES: dict[str, DestinationType] = {
    "brevo": DestinationType(BrevoSettings, lambda: BrevoAdapter),
    "cloudevents": DestinationType(CloudEventsSettings, lambda: CloudEventsAdapter),
    "dmp": DestinationType(DmpSettings, lambda: DmpAdapter),
    "files": DestinationType(FilesSettings, _files, "files"),
    "google-data-manager": DestinationType(
        GoogleDataManagerSettings, lambda: GoogleDataManagerAdapter, keeps_removed=False
    ),
    "hubspot": DestinationType(HubspotSettings, lambda: HubspotAdapter),
    "kafka": DestinationType(KafkaSettings, _kafka, "kafka"),
    "mailchimp": DestinationType(MailchimpSettings, lambda: MailchimpAdapter),
    "meta-custom-audiences": DestinationType(
        MetaCustomAudiencesSettings, lambda: MetaCustomAudiencesAdapter, keeps_removed=False
    ),
    "nats": DestinationType(NatsSettings, _nats, "nats"),
    "salesforce": DestinationType(SalesforceSettings, lambda: SalesforceAdapter),
    "the-trade-desk": DestinationType(TheTradeDeskSettings, lambda: TheTradeDeskAdapter),
    "webhook": DestinationType(WebhookSettings, lambda: WebhookAdapter),
}
"""By name."""
MODELS: Models = {name: type.settings for name, type in TYPES.items()}
"""The settings of each type, by its name."""

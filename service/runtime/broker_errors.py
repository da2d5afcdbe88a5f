"""What goes wrong with message brokers, whichever it is."""

from graph.domain.model.errors import KithError


class BrokerUnavailable(KithError):
    """The broker cannot be reached, or refuses. The message says why; with `login`, it seems to be the credentials."""

    code = "BROKER_UNAVAILABLE"

    def __init__(self, message: str, login: bool = False) -> None:
        super().__init__(message)
        self.login = login

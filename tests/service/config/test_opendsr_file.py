"""`opendsr.toml`: what can be declared, and errors that name the file and the key."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.config import opendsr_file
from service.config.opendsr_file import DEFAULT_IDENTITIES

REQUIRED = """
domain = "opendsr.shop.example"
controller_id = "shop"
certificate = "certificate.pem"
private_key = "key.pem"
"""


def test_erasures_are_confirmed_unless_the_file_says_otherwise() -> None:
    # when
    settings = opendsr_file.parse(REQUIRED, Path("/etc/kith/opendsr.toml"))
    # then: paths are relative to the file
    assert (settings.automatic_erasure, settings.callback_hosts) == (False, frozenset())
    assert (settings.completion_days, settings.results_days) == (30, 7)
    assert settings.certificate == Path("/etc/kith/certificate.pem")
    assert settings.identities["email", "sha256"] == "hashed_email"
    assert len(settings.identities) == len(DEFAULT_IDENTITIES)


def test_a_file_maps_identities_and_allows_more() -> None:
    # when
    settings = opendsr_file.parse(
        f"""{REQUIRED}
        erasure = "automatic"
        callback_hosts = ["dsr.controller.example"]
        [identities]
        email = "login"
        "email:md5" = "md5_email"
        """
    )
    # then
    assert settings.identities == {("email", "raw"): "login", ("email", "md5"): "md5_email"}
    assert settings.automatic_erasure
    assert settings.callback_hosts == {"dsr.controller.example"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "domain: Field required"),
        (REQUIRED + 'erasure = "at once"', "erasure"),
        (REQUIRED + "completion_days = 0", "completion_days"),
        (REQUIRED + "colour = 1", "colour"),
        (REQUIRED + "orders_kept_days = 3650", "need one another"),
        (REQUIRED.replace("opendsr.shop.example", "https://shop.example"), "is not the name of a host"),
        (REQUIRED + 'callback_hosts = ["localhost:80"]', "is not the name of a host"),
        (REQUIRED + '[identities]\n"email:rot13" = "email"', "is not a type of identity"),
        (REQUIRED + '[identities]\nemail = "E Mail"', "cannot be the name of a namespace"),
        (REQUIRED + "[identities]", "identities"),
        ("domain = ", "opendsr.toml"),
    ],
)
def test_what_is_wrong_is_named(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_OPENDSR") as failure:
        opendsr_file.parse(text)
    assert reason in failure.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert opendsr_file.read(None) is None
    with pytest.raises(InvalidInput, match="cannot be read"):
        opendsr_file.read(tmp_path / "opendsr.toml")

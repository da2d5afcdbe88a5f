"""`destinations.toml`: systems that receive data, and errors that name the file, the destination and the key."""

from pathlib import Path
from typing import Literal

import pytest

from graph.domain.model.errors import InvalidInput
from service.config import destinations_file
from service.config.destinations_file import DestinationSettings, Secret
from service.destinations.types import MODELS

SECRET = "s3cr3t-of-the-mail-tool"
ONE = '[[destination]]\nname = "mail"\ntype = "mail-tool"\nkey = "env:KEY"\n'


class MailToolSettings(DestinationSettings):
    """Settings as an adapter declares them."""

    type: Literal["mail-tool"]
    key: Secret
    timeout_seconds: float = 10.0


def parse(text: str, folder: Path = Path("/etc/kith"), **env: str) -> tuple[DestinationSettings, ...]:
    models = {**MODELS, "mail-tool": MailToolSettings}
    return destinations_file.parse(text, folder / "destinations.toml", models, {"KEY": SECRET, **env})


def test_secrets_are_elsewhere_and_are_not_shown(tmp_path: Path) -> None:
    # given
    (tmp_path / "key").write_text(f"{SECRET}\n")
    # when
    from_variable, from_file = parse(ONE + ONE.replace('"mail"', '"other"').replace("env:KEY", "file:key"), tmp_path)
    # then
    for settings in (from_variable, from_file):
        assert isinstance(settings, MailToolSettings)
        assert settings.key.get_secret_value() == SECRET
        assert SECRET not in repr(settings)
        assert SECRET not in settings.model_dump_json()


def test_changes_are_sent_where_that_is_chosen() -> None:
    # when
    (plain,) = parse(ONE)
    (follower,) = parse(f'{ONE}changes = true\nchange_kinds = ["CUSTOMERS_MERGED"]\nidentifiers = true\n')
    # then
    assert (plain.changes, plain.change_kinds, plain.identifiers) == (False, [], False)
    assert (follower.changes, follower.change_kinds, follower.identifiers) == (True, ["CUSTOMERS_MERGED"], True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE.replace("mail-tool", "pigeon"), "destination mail: type is 'pigeon'; allowed are brevo, "),
        (ONE.replace('type = "mail-tool"\n', ""), "destination mail: type is ''; allowed are "),
        (ONE.replace('name = "mail"\n', ""), "destination 1: name: the key is required"),
        (ONE.replace("key =", "kex ="), "destination mail: kex: unknown key"),
        (ONE.replace('"mail"', '"my mail"'), "destination my mail: name: String should match pattern"),
        (ONE.replace("env:KEY", "env:MISSING"), "destination mail: key: the environment variable MISSING"),
        (ONE.replace("env:KEY", "file:gone"), "destination mail: key: gone cannot be read: FileNotFound"),
        (ONE.replace("env:KEY", "env:SHORT"), "destination mail: key: a secret has at least 8 characters"),
        (ONE.replace("env:KEY", SECRET), "destination mail: key: a secret is env:NAME or file:PATH"),
        (ONE.replace('"env:KEY"', f'["{SECRET}"]'), "destination mail: key: "),
        (f'{ONE}token = "{SECRET}"\n', "destination mail: token: unknown key"),
        (f'{ONE}timeout_seconds = "{SECRET}"\n', "destination mail: timeout_seconds: Input should be a valid number"),
        (f'{ONE}change_kinds = ["BORN"]\n', "destination mail: change_kinds.1: 'BORN' is no kind of "),
        (f'{ONE}changes = "yes"\n', "destination mail: changes: Input should be a valid boolean"),
        (ONE + ONE, "there are two destinations named 'mail'"),
        (f'key = "{SECRET}"\n', "key: unknown key"),
        (f'destination = "{SECRET}"\n', "destination: Input should be a valid list"),
        (f'destination = ["{SECRET}"]\n', "destination.1: Input should be a valid dictionary"),
        (f"{ONE}{SECRET}\n", "(at line 5, column "),
    ],
)
def test_an_error_names_the_file_the_destination_and_the_key_and_never_the_secret(text: str, message: str) -> None:
    # when
    with pytest.raises(InvalidInput) as raised:
        parse(text, SHORT="short")
    # then
    said = str(raised.value)
    assert said.startswith("KITH_DESTINATIONS: /etc/kith/destinations.toml: ")
    assert message in said
    assert SECRET not in said
    assert "short" not in said
    assert raised.value.code == "INVALID_SETTING"


def test_without_a_file_there_is_no_destination() -> None:
    assert destinations_file.read(None, MODELS) == ()
    assert parse("") == ()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    # given
    path = tmp_path / "destinations.toml"
    if content is not None:
        path.write_bytes(content)
    # then
    with pytest.raises(InvalidInput, match=r"KITH_DESTINATIONS: .*destinations\.toml cannot be read"):
        destinations_file.read(path, MODELS)

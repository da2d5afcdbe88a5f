"""`connectors.toml`: sources that send data, and errors that name the file and the key."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.model.observations import Party
from service.config import connectors_file

SOURCE = '[[source]]\nname = "web"\nmapping = "segment"\n'


def parse(text: str, folder: Path = Path("/etc/kith"), **env: str) -> tuple[connectors_file.ConnectorSource, ...]:
    return connectors_file.parse(text, folder / "connectors.toml", env)


def test_a_server_is_a_first_party_whose_secrets_are_elsewhere(tmp_path: Path) -> None:
    # given
    (tmp_path / "old").write_text("old-secret\n")
    # when
    text = f'{SOURCE}secrets = ["env:NEW", "file:old"]\nvalues = {{ Shop = "Berlin" }}\n'
    (source,) = parse(text, tmp_path, NEW="new-secret")
    # then
    assert source.secrets == (b"new-secret", b"old-secret")
    assert (source.party, source.link_traits, source.values) == (Party.FIRST_PARTY, True, {"shop": "Berlin"})


def test_a_browser_is_a_second_party_and_its_traits_do_not_link() -> None:
    # when
    text = f'{SOURCE}browser = true\norigins = ["https://shop.example"]\nsecrets = ["public"]\n'
    (source,) = parse(text)
    # then
    assert (source.party, source.link_traits, source.secrets) == (Party.SECOND_PARTY, False, (b"public",))
    (trusted,) = parse(f'{text}link_traits = true\nparty = "first_party"\n')
    assert (trusted.party, trusted.link_traits) == (Party.FIRST_PARTY, True)


def test_the_path_of_a_mapping_is_relative_to_the_file() -> None:
    (source,) = parse(SOURCE.replace('"segment"', '"rules.toml"'))
    assert source.mapping == "/etc/kith/rules.toml"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("secret = []", "source.1.secret: Extra inputs are not permitted"),
        ("max_waiting = 0", "source.1.max_waiting: Input should be greater than or equal to 1"),
        ("browser = true", "source 'web': a browser needs origins"),
        ('browser = true\norigins = ["shop.example"]', "'shop.example' is not an origin such as https://shop.example"),
        ('secrets = ["env:MISSING"]', "source 'web': the environment variable MISSING is not set"),
        ('secrets = ["file:missing"]', "source 'web': missing cannot be read: FileNotFoundError"),
        ('secrets = ["env:SHORT"]', "source 'web': a secret has at least 8 characters"),
        (SOURCE, "there are two sources with the name 'web'"),
        ("name = ", "KITH_CONNECTORS: /etc/kith/connectors.toml: "),
    ],
)
def test_an_error_names_the_file_and_the_key(more: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(f"{SOURCE}{more}\n", SHORT="short")
    assert message in raised.value.message


def test_a_secret_that_stands_in_the_file_is_not_shown() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(f'{SOURCE}secrets = ["top-secret-value"]\n')
    assert "a secret is env:NAME or file:PATH" in raised.value.message
    assert "top-secret" not in raised.value.message


def test_a_name_that_is_no_part_of_a_url_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a name is 1 to 100 letters"):
        parse(SOURCE.replace('"web"', '"a/b"'))


def test_without_a_file_there_is_no_source(tmp_path: Path) -> None:
    assert connectors_file.read(None) == ()
    with pytest.raises(InvalidInput, match="cannot be read"):
        connectors_file.read(tmp_path / "missing.toml")


def test_the_example_is_valid() -> None:
    file = Path(__file__).parents[3] / "examples" / "connectors" / "connectors.toml"
    web, repairs = connectors_file.read(file, {"REPAIRS_KEY": "a-key-of-yours"})
    assert (web.browser, repairs.secrets) == (True, (b"a-key-of-yours",))
    assert Path(repairs.mapping).is_file()

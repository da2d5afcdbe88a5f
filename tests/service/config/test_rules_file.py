"""`rules.toml`: the default is valid, and an error names the file, the key and what is allowed."""

import hashlib
from pathlib import Path

import pytest

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode, Proves
from service.config.rules_file import default_text, parse, read_text

DEFAULT = parse(default_text())


def test_crm_id_is_strongest_and_order_is_weakest() -> None:
    names = list(DEFAULT.by_name)
    assert names[0] == "crm_id"
    assert names[-1] == "order"


@pytest.mark.parametrize(
    ("namespace", "raw", "value"),
    [
        ("email", " Ann@Example.com ", "ann@example.com"),
        ("email", "JÖRG@EXÄMPLE.com", "jörg@exämple.com"),
        ("phone", "0171 / 234 56 78", "+491712345678"),
        ("phone", "+44 20 7946 0958", "+442079460958"),
        ("loyalty_card", "12-34 56x", "123456X"),
        ("crm_id", " 4711 ", "4711"),
        ("order", "a-1", "A-1"),
    ],
)
def test_values_are_normalized(namespace: str, raw: str, value: str) -> None:
    assert DEFAULT.normalize_value(namespace, raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "null",
        "NONE",
        "undefined",
        "NaN",
        "n/a",
        "anonymous",
        "Guest",
        "unknown",
        "test",
        "true",
        "false",
        "0",
        "000-000",
        "--",
        "[object Object]",
        "xxx",
        '"null"',
        "{{cookie}}",
        "{{ user.id }}",
        "${email}",
        "%EMAIL%",
        "%%email%%",
        "%7B%7Bid%7D%7D",
        "<%= id %>",
        "*|EMAIL|*",
        "{email}",
        "__CLIENT_ID__",
        "[object HTMLInputElement]",
        "(not set)",
        "not_authenticated",
        "not logged in",
        "None",
        "null\u200b",
        "GA1.2.undefined.undefined",
        "undefinedundefined",
        "{!Contact.Id}",
        "{% id %}",
        "<?= $id ?>",
        "[%id%]",
        "[CLIENT_ID]",
        "@@id@@",
        "|COOKIE|",
        "-FNAME-",
        "%1$s",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "xxxxxxxx-xxxx-xxxx",
        "keine Angabe",
        "(leer)",
        "OPTOUT",
        "-1",
        "—",
        "***",
        "**** 1234",
        "…1234",
        "xxxx-1234",
        "function () { return id }",
    ],
)
@pytest.mark.parametrize("namespace", list(DEFAULT.by_name))
def test_placeholders_are_blocked_in_every_namespace(namespace: str, raw: str) -> None:
    dropped = DEFAULT.normalize_value(namespace, raw)
    assert isinstance(dropped, DroppedIdentifier)
    assert dropped.code is DroppedIdentifierCode.BLOCKED


@pytest.mark.parametrize("raw", ["", "  ", "\t"])
def test_blank_values_are_empty(raw: str) -> None:
    dropped = DEFAULT.normalize_value("email", raw)
    assert isinstance(dropped, DroppedIdentifier)
    assert dropped.code is DroppedIdentifierCode.EMPTY


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("min_confidence = 2\n[[namespace]]\nname = 'a'", ["min_confidence", "less than or equal to 1", "2"]),
        ("", ["namespace", "Field required"]),
        ("namespace = []", ["namespace", "at least 1"]),
        ("[[namespace]]\nname = 'a'\nlimit = 0", ["namespace.1.limit", "greater than or equal to 1"]),
        ("[[namespace]]\nname = 'a'\nlimit = '1'", ["namespace.1.limit", "valid integer"]),
        ("[[namespace]]\nname = 'a'\nsize = 1", ["namespace.1.size", "not a known key"]),
        ("[[namespace]]\nname = 'A b'", ["'A b'", "a-z"]),
        ("[[namespace]]\nname = 'a'\n[[namespace]]\nname = 'a'", ["duplicate namespace 'a'"]),
        ("[[namespace]]\nname = 'a'\ncontested = 'last'", ["contested", "'newest' or 'first'"]),
        ("[[namespace]]\nname = 'a'\nnormalize = ['up']", ["'a'", "unknown step 'up'", "phone:XX"]),
        ("[[namespace]]\nname = 'a'\nnormalize = ['phone:QQ']", ["'QQ'", "ISO 3166"]),
        ("[[namespace]]\nname = 'a'\nshared_above = {b = 2}", ["'a'", "shared_above names 'b'"]),
        ("[[namespace]]\nname = 'a'\nproves = 'much'", ["namespace.1.proves", "'much'"]),
        ("[[namespace]]\nname = 'a'\nblocked = {patterns = ['(']}", ["'a'", "the blocked pattern '('", "unterminated"]),
        ("min_confidence = ", ["is not TOML"]),
        ("[[source]]\nname = 'a'\ncountry = 'QQ'\n[[namespace]]\nname = 'a'", ["source 'a'", "'QQ'"]),
        ("[[source]]\nname = 'a'\ncurrency = 'euro'\n[[namespace]]\nname = 'a'", ["source.1.currency", "'euro'"]),
        ("[[source]]\nname = 'a'\n[[source]]\nname = 'a'\n[[namespace]]\nname = 'a'", ["duplicate source 'a'"]),
    ],
)
def test_an_invalid_file_is_explained(text: str, names: list[str]) -> None:
    with pytest.raises(RulesError) as raised:
        parse(text, "rules.toml")
    for name in ["rules.toml", *names]:
        assert name in raised.value.message


def test_a_missing_file_is_named() -> None:
    with pytest.raises(RulesError, match=r"nowhere\.toml"):
        read_text(Path("nowhere.toml"))


def test_what_a_namespace_proves_follows_from_its_name_unless_the_rules_say() -> None:
    rules = parse(
        "[[namespace]]\nname='login'\n[[namespace]]\nname='club'\n[[namespace]]\nname='device'\n"
        "[[namespace]]\nname='cookie'\nproves='possession'"
    )
    assert rules.proof == {
        "login": Proves.IDENTITY,
        "club": Proves.POSSESSION,
        "device": Proves.NOTHING,
        "cookie": Proves.POSSESSION,
    }
    assert [rules.proves_something(key) for key in ("login=a", "device=a", "cookie=a", "removed=a")] == [
        True,
        False,
        True,
        False,
    ]


def test_rules_that_leave_out_what_a_namespace_proves_are_equal_to_those_of_earlier_versions() -> None:
    # A store is not asked to choose between two sets of rules because the comments of the default have changed.
    assert all(rule.proves is None for rule in DEFAULT.namespaces)


def test_shared_above_and_blocked_take_both_forms() -> None:
    rules = parse(
        "[[namespace]]\nname='a'\nblocked=['x']\n[[namespace]]\nname='b'\nshared_above={stronger=2,a=1}\n"
        "[[namespace]]\nname='c'\nshared_above=3\n[namespace.blocked]\nvalues=['y']\npatterns=['z+']"
    )
    assert rules.is_shared("b", {"a": 2})
    assert not rules.is_shared("b", {"a": 1, "c": 9})
    assert rules.is_shared("c", {"a": 2, "b": 2})
    values = (("a", "x"), ("a", "X"), ("c", "y"), ("c", "zz"))
    accepted = [isinstance(rules.normalize_value(namespace, value), str) for namespace, value in values]
    assert accepted == [False, True, False, False]


@pytest.mark.parametrize(
    ("namespace", "raw"),
    [
        ("device", "9774D56D682E549C"),
        ("device", "00000000-0000-0000-0000-000000000000"),
        ("device", "02:00:00:00:00:00"),
        ("device", "emulator-5554"),
        ("device", "QP1A.190711.020"),
        ("device", "LMY47V"),
        ("device", "iPhone12,1"),
        ("device", "1111111111111111"),
        ("device", "IDFA:00000000-0000-0000-0000-000000000000"),
        ("device", "sdk_gphone64_arm64"),
        ("device", "SM-G991B"),
        ("device", "Pixel 6"),
        ("device", "iPhone"),
        ("device", "Windows 10"),
        ("device", "iPhone 14 Pro"),
        ("device", "SM-G960F/DS"),
        ("device", "JDQ39"),
        ("phone", "0171 0000000"),
        ("phone", "+1 234 567 8901"),
        ("email", "guest@guest.com"),
        ("cookie", "D41D8CD98F00B204E9800998ECF8427E"),  # MD5 of "" as SQL Server writes it
        ("phone", "+15555215554"),
        ("phone", "0171 1111111"),
        ("email", "noreply@shop.example"),
        ("email", "test@test.com"),
        ("hashed_email", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"),  # of ""
        ("hashed_email", "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),  # of "null"
        ("cookie", "d41d8cd98f00b204e9800998ecf8427e"),  # MD5 of ""
    ],
)
def test_values_that_many_people_have_are_blocked(namespace: str, raw: str) -> None:
    # when
    dropped = DEFAULT.normalize_value(namespace, raw)
    # then
    assert isinstance(dropped, DroppedIdentifier)
    assert dropped.code is DroppedIdentifierCode.BLOCKED


@pytest.mark.parametrize(
    ("namespace", "raw"),
    [
        ("login", "@https://shop.example"),
        ("login", "nulla"),
        ("login", "otherside"),
        ("device", "pos01"),
        ("device", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("cookie", "GA1.2.1234567890.1234567890"),
        ("cookie", "100%"),
        ("email", "nora@shop.example"),
        ("email", "na@firm.example"),
        ("email", "info@info.example"),
        ("device", "lee12a"),
        ("phone", "+902123456789"),
        ("crm_id", "O'Neil"),
        ("crm_id", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}"),
        ("cookie", "%7B%22id%22%3A%22abc%22%7D"),
        ("device", "android-4711-ann"),
        ("device", "tablet-1"),
        ("crm_id", "X1"),
    ],
)
def test_values_that_look_similar_are_identifiers(namespace: str, raw: str) -> None:
    # when, then
    assert DEFAULT.normalize_value(namespace, raw) == raw


def test_a_phone_number_is_read_in_the_country_sent_with_it_else_in_that_of_its_source() -> None:
    # given
    rules = parse(
        "[[source]]\nname = 'ch-shop'\ncountry = 'CH'\n[[namespace]]\nname = 'phone'\nnormalize = ['phone:DE']\n"
        "[[namespace]]\nname = 'crm_id'"
    )
    number = "044 668 18 00"
    # when
    read = [
        rules.normalize_value("phone", number, "de-shop"),
        rules.normalize_value("phone", number, "ch-shop"),
        rules.normalize_value("phone", "0664 1234567;phone-context=AT", "ch-shop"),
        rules.normalize_value("phone", "0664 1234567;phone-context=+43", "ch-shop"),
        rules.normalize_value("crm_id", "C-1;phone-context=AT", "ch-shop"),
    ]
    # then
    assert read == ["+49446681800", "+41446681800", "+436641234567", "+436641234567", "C-1"]


def test_an_unknown_country_of_an_identifier_drops_it_with_the_reason() -> None:
    # when
    dropped = DEFAULT.normalize_value("phone", "044 668 18 00;phone-context=Suisse")
    # then
    assert isinstance(dropped, DroppedIdentifier)
    assert dropped.code is DroppedIdentifierCode.INVALID
    assert "'Suisse'" in dropped.reason


def test_gmail_makes_one_address_of_its_spellings_if_the_rules_say_so() -> None:
    # given
    rules = parse("[[namespace]]\nname = 'email'\nnormalize = ['email', 'gmail']")
    # when
    values = {rules.normalize_value("email", raw) for raw in ("Ann.Lee+shop@googlemail.com", "annlee@gmail.com")}
    # then
    assert values == {"annlee@gmail.com"}


def test_digests_of_placeholders_are_blocked_by_the_text_alone() -> None:
    # given
    rules = parse("[blocked]\ndigests_of = ['n.n.']\n[[namespace]]\nname = 'hash'\nnormalize = ['sha256']")
    digest = hashlib.sha256(b"n.n.").hexdigest()
    # when, then
    assert isinstance(rules.normalize_value("hash", digest.upper()), DroppedIdentifier)

from graph.domain.model.load_columns import Coded, IdentifierColumns, LinkColumns, PortionColumns, ReceiptColumns


def test_a_value_is_encoded_once() -> None:
    # given
    encoded: list[str] = []

    def encode(value: str) -> str:
        encoded.append(value)
        return value.upper()

    # when
    column = Coded(["crm", "web"], [1, 0, 1, 1]).encoded(encode)
    # then
    assert column == ["WEB", "CRM", "WEB", "WEB"]
    assert encoded == ["crm", "web"]


def test_the_size_of_a_portion_counts_identifiers_links_and_receipts() -> None:
    # given
    portion = PortionColumns(
        "customers",
        1,
        identifiers=IdentifierColumns(keys=["crm=a", "mail=b"]),
        links=LinkColumns(a=[1]),
        receipts=ReceiptColumns(ids=["1", "2", "3"]),
    )
    # when / then
    assert portion.size == 6

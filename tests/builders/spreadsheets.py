"""Small spreadsheets in the format of Excel, written without a library."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZipFile

_EPOCH = datetime(1899, 12, 30)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_STYLES = f"""<styleSheet xmlns="{_MAIN}"><cellXfs count="3"><xf numFmtId="0"/>
<xf numFmtId="22" applyNumberFormat="1"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>"""


class Formula(str):
    """A cell that holds an error, such as `#N/A`."""


class Uncomputed(str):
    """A cell with a formula. Its text is the XML of the result that the program stored, such as `<v></v>`."""


class EmptyText(str):
    """A cell with a formula that results in an empty text."""


def write_spreadsheet(path: Path, hidden: Sequence[str] = (), **sheets: Sequence[Sequence[Any]]) -> Path:
    """Write sheets of rows; `hidden` are the names of hidden ones.

    Cells are texts, numbers, truth values, dates and times, errors, formulas and `None`."""
    with ZipFile(path, "w") as archive:
        names = list(sheets)
        states = ['state="hidden" ' if name in hidden else "" for name in names]
        listed = "".join(
            f'<sheet name="{escape(name)}" {state}sheetId="{n}" r:id="r{n}"/>'
            for n, (name, state) in enumerate(zip(names, states, strict=True), 1)
        )
        related = "".join(
            f'<Relationship Id="r{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(names) + 1)
        )
        archive.writestr(
            "[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}">{related}<Relationship Id="s" Type="{_RELATIONS}/styles" '
            'Target="styles.xml"/></Relationships>',
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for number, rows in enumerate(sheets.values(), 1):
            body = "".join(_row(at, row) for at, row in enumerate(rows, 1))
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>',
            )
    return path


def _row(at: int, row: Sequence[Any]) -> str:
    cells = "".join(_cell(f"{chr(65 + column)}{at}", value) for column, value in enumerate(row))
    return f'<row r="{at}">{cells}</row>'


def _cell(place: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case Formula():
            return f'<c r="{place}" t="e"><v>{escape(value)}</v></c>'
        case Uncomputed():
            return f'<c r="{place}"><f>CONCATENATE("C-",{"1," * 900}"1")</f>{value}</c>'
        case EmptyText():
            return f'<c r="{place}" t="str"><f>IF(TRUE,"","x")</f><v></v></c>'
        case bool():
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{value!r}</v></c>'
        case datetime():
            return f'<c r="{place}" s="1"><v>{(value - _EPOCH) / timedelta(days=1)!r}</v></c>'
        case date():
            days = datetime.combine(value, datetime.min.time()) - _EPOCH
            return f'<c r="{place}" s="2"><v>{days.days}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'

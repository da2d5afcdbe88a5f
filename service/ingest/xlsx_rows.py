"""Read the rows of a spreadsheet: the first visible sheet that has some. Their numbers are those of the spreadsheet."""

import codecs
from pathlib import Path
from typing import Any

from graph.domain.model.errors import InvalidInput
from service.ingest.columns import Columns, Matcher
from service.ingest.raw_lines import Lines, ReadOptions
from service.ingest.table_rows import is_blank, named_cells, rejected
from service.ingest.typed_cells import Unusable, typed_row
from service.ingest.xlsx_cells import NO_RESULT, special_cells

_NO_RESULT = "is a formula without a result; open and save the file in the spreadsheet program"
SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})

Row = list[Any]


def read_spreadsheet(path: Path, known: Matcher, options: ReadOptions) -> tuple[Columns | None, Lines, list[str]]:
    """Return the columns of a file, its rows, and which sheet was read; no columns if the file is empty.

    Raises `InvalidInput` if the file cannot be read.
    """
    try:
        import python_calamine as calamine
    except ImportError as error:
        message = (
            f"{path}: reading spreadsheets requires the extra `xlsx`: from a checkout, pip install '.[xlsx]'; "
            "without it, save the sheet as CSV UTF-8"
        )
        raise InvalidInput("MISSING_EXTRA", message) from error
    if is_text(path):
        raise InvalidInput("INVALID_FILE", f"{path} is not a spreadsheet: name it .csv")
    try:
        # The content decides about the format: old files are often named as new ones.
        with path.open("rb") as file:
            workbook = calamine.CalamineWorkbook.from_filelike(file)
        sheets = [
            (name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in _sheets(workbook)
        ]
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read as a spreadsheet: {error}") from error
    filled = [(name, rows) for name, rows in sheets if not all(map(is_blank, rows))]
    if not filled:
        return None, iter(()), ["no header, because the file is empty"]
    name, rows = filled[0]
    for (at, column), code in special_cells(path, name).items():
        _put(rows, at, column, Unusable(_NO_RESULT) if code == NO_RESULT else code)
    findings = [f"sheet {name}"]
    if len(filled) > 1:
        findings.append(f"other sheets are not read: {', '.join(other for other, _ in filled[1:])}")
    header = next(at for at, row in enumerate(rows) if not is_blank(row))
    names = ["" if cell is None else str(cell) for cell in rows[header]]
    while not names[-1].strip():
        names.pop()
    columns = known.match(names, options, path)
    return columns, _rows(path, rows, header, columns), findings


def is_text(path: Path) -> bool:
    """Whether a file begins as a text does."""
    with path.open("rb") as file:
        start = file.read(4096)
    # Formats of spreadsheets have zeros, and those of texts in UTF-16 come with a mark.
    return start != b"" and (b"\0" not in start or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)))


def _put(rows: list[Row], at: int, column: int, cell: Any) -> None:
    """Put a cell into its place, which may be beyond the rows and cells that have values."""
    while len(rows) <= at:
        rows.append([])
    row = rows[at]
    row.extend([None] * (column + 1 - len(row)))
    row[column] = cell


def _sheets(workbook: Any) -> list[str]:
    import python_calamine as calamine

    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet and sheet.visible == calamine.SheetVisibleEnum.Visible
    ]


def _rows(path: Path, rows: list[Row], header: int, columns: Columns) -> Lines:
    size = path.stat().st_size
    for at in range(header + 1, len(rows)):
        number, row = at + 1, rows[at]
        read_bytes = size * number // len(rows)
        cells, others = row[: columns.width], row[columns.width :]
        cells += [None] * (columns.width - len(cells))
        if not is_blank(others):
            reason = f"has more cells than the header, which has {columns.width}"
            text = named_cells(columns, [*cells, *others])
            yield rejected(number, read_bytes, reason, text, columns.header)
        else:
            yield typed_row(columns, cells, number, read_bytes, is_spreadsheet=True)

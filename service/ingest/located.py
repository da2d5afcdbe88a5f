"""Problems of lines, with the names that the file uses: those of its columns, and the numbers of its rows."""

from msgspec.structs import replace

from graph.domain.model.errors import Problem
from service.ingest.raw_lines import Header, RawLine
from service.ingest.record_kinds import TIMES


def located(problem: Problem, line: RawLine) -> Problem:
    """Return the problem of a line of a table with the column that it is about, and the field if its name differs.

    If the problem is about a line of an order of several rows, the message also has the number of the row. A problem
    that was found with the line itself is returned as it is.
    """
    path, message = problem.path, problem.message
    if line.header is None or not path or isinstance(line.value, Problem):
        return problem
    row = ""
    match path:
        case ("lines", int(index), *names):
            if index < len(line.order_lines):
                row = f"line {line.order_lines[index]}: "
            message = message.removeprefix(f"line {index + 1}: ")
            field = ".".join(("line", *map(str, names)))
        case _:
            field = ".".join(map(str, path))
    column = _column(line.header, field)
    sent = ".".join(map(str, path))
    name = next((name for name in (sent, str(path[-1])) if message.startswith((f"{name} ", f"{name}:"))), "")
    shown = column if column in ("", field) else f"{column} ({field})"
    rest = message[len(name) :]
    if name and rest.startswith(" ("):
        message = (column or name) + rest  # the field follows in parentheses
    elif name:
        message = (shown or field) + rest
    elif shown and column != field:
        message = f"{message} (column {column})"
    return replace(problem, message=row + message)


def _column(header: Header, field: str) -> str:
    """Return the name of the column of a field, "" if there is none."""
    if field not in header.fields and field in TIMES:
        # The only time of a record may have the name of any time.
        times = [name for name in TIMES if name in header.fields]
        field = times[0] if len(times) == 1 else field
    return header.fields.get(field, "")

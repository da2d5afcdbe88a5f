"""Functions that read plain paths, generated from their names: a record is read at dozens of them.

A plain path is names of keys only. The functions read what the general way reads, `_walk` in `values`, and each object
on the way only once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schema.execution.compiled.codegen import FunctionWriter

if TYPE_CHECKING:
    from service.connectors.values import Scope, Value

Names = tuple[str, ...]
_NOTHING: Mapping[str, Any] = {}


class _Writer:
    """Writes the lines of a function that reads paths in the record of a scope."""

    def __init__(self, missing: tuple[Any, ...]) -> None:
        self.writer = FunctionWriter(missing=missing, nothing=_NOTHING)
        self.lines = ["c0 = scope.record", "if type(c0) is not dict: c0 = nothing"]
        self._containers: dict[Names, str] = {(): "c0"}

    def container(self, names: Names) -> str:
        """Return the variable of the object at a path, which is empty if it is missing or none."""
        if (known := self._containers.get(names)) is not None:
            return known
        outer = self.container(names[:-1])
        variable = self._containers[names] = f"c{len(self._containers)}"
        self.lines += [
            f"{variable} = {outer}.get({names[-1]!r})",
            f"if type({variable}) is not dict: {variable} = nothing",
        ]
        return variable

    def first_present(self, paths: Sequence[Names]) -> None:
        """Set `v` to the first value that is not missing, else `None` or a value that is missing."""
        outers = [self.container(names[:-1]) for names in paths]
        for position, (outer, names) in enumerate(zip(outers, paths, strict=True)):
            self.lines.append(f"{'if not v and v in missing: ' if position else ''}v = {outer}.get({names[-1]!r})")


def at_path(names: Names) -> "Callable[[Scope], Any]":
    """Return a function that returns the value at a plain path, `None` without one."""
    code = _Writer(())
    code.lines.append(f"return {code.container(names[:-1])}.get({names[-1]!r})")
    return code.writer.function("scope", code.lines)


def first_present(paths: Sequence[Names], missing: tuple[Any, ...]) -> "Callable[[Scope], Any]":
    """Return a function that returns the first value at some plain paths that is not missing, else `None`."""
    code = _Writer(missing)
    code.first_present(paths)
    code.lines.append("return v if v or v not in missing else None")
    return code.writer.function("scope", code.lines)


def all_present(values: "Mapping[str, Value]", missing: tuple[Any, ...]) -> "Callable[[Scope], dict[str, Any]]":
    """Return a function that returns those of some values that are not missing, by name."""
    code = _Writer(missing)
    code.lines.append("found = {}")
    for name, value in values.items():
        if value.plain:
            code.first_present(value.plain)
            code.lines.append(f"if v or v not in missing: found[{name!r}] = v")
        else:
            code.lines.append(f"v = {code.writer.name(value.get)}(scope)")
            code.lines.append(f"if v is not None: found[{name!r}] = v")
    code.lines.append("return found")
    return code.writer.function("scope", code.lines)

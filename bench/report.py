"""Report results: a table on the screen, RESULTS.md, results.json, and a chart of each curve."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import machine

HERE = Path(__file__).parent
COLORS = ("#1668b8", "#c4501b", "#2c8a4b", "#7a3fa0", "#666666", "#b8860b", "#0f8b8d")


@dataclass(slots=True)
class Row:
    """Rates per second of Kith and of a peer, measured several times in turn."""

    name: str
    unit: str
    kith_rates: list[float]
    peer: str
    peer_rates: list[float]
    target: float | None = None
    """The least ratio that is the target; `None` if the row is for information."""

    @property
    def ratio(self) -> float:
        """Return the ratio of the medians, Kith to peer."""
        return statistics.median(self.kith_rates) / statistics.median(self.peer_rates)

    @property
    def verdict(self) -> str:
        """Return whether the ratio reaches the target, as text."""
        return "" if self.target is None else "reached" if self.ratio >= self.target else "not reached"


def _spread(values: Sequence[float]) -> str:
    median = statistics.median(values)
    if len(values) < 2:
        return f"{median:,.0f}"
    return f"{median:,.0f} ({min(values):,.0f} to {max(values):,.0f})"


@dataclass(slots=True)
class Curve:
    """A chart of one quantity over another, with a line for each side."""

    name: str
    x: str
    y: str
    lines: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def svg(self) -> str:
        """Return the chart as SVG. The x axis is logarithmic."""
        points = [point for line in self.lines.values() for point in line]
        width, height, left, bottom = 640, 360, 70, 40
        low, high = (math.log10(edge([x for x, _ in points])) for edge in (min, max))
        top = max(y for _, y in points) * 1.1 or 1

        def at(x: float, y: float) -> tuple[float, float]:
            share = (math.log10(x) - low) / ((high - low) or 1)
            return left + share * (width - left - 20), height - bottom - y / top * (height - bottom - 30)

        out = _beginning(self.name, width, height + 20 * len(self.lines), left)
        for step in range(5):
            value = top * step / 4
            _, y = at(10**low, value)
            out.append(
                f'<line x1="{left}" y1="{y:.0f}" x2="{width - 20}" y2="{y:.0f}" stroke="#ddd"/>'
                f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{value:,.4g}</text>'
            )
        for x in sorted({x for x, _ in points}):
            place, _ = at(x, 0)
            out.append(f'<text x="{place:.0f}" y="{height - bottom + 16}" text-anchor="middle">{x:,.0f}</text>')
        out.append(f'<text x="{width - 20}" y="{height - 6}" text-anchor="end">{self.x}; {self.y}</text>')
        for place, (name, line) in enumerate(self.lines.items()):
            color = COLORS[place % len(COLORS)]
            path = " ".join(f"{x:.0f},{y:.0f}" for x, y in (at(*point) for point in sorted(line)))
            out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
            out.append(f'<text x="{left}" y="{height + 12 + 18 * place}" fill="{color}">{name}</text>')
        return "\n".join([*out, "</svg>\n"])


def _beginning(name: str, width: int, height: int, left: int) -> list[str]:
    """Return the first elements of a picture: its size and its title."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="18" font-weight="bold">{name}</text>',
    ]


@dataclass(slots=True)
class Points:
    """A chart of points with two shares as coordinates; the points of each series have names."""

    name: str
    x: str
    y: str
    series: dict[str, list[tuple[str, float, float]]] = field(default_factory=dict)

    def svg(self) -> str:
        """Return the chart as SVG. Points have numbers, which the legend explains."""
        size, left, top = 480, 60, 36
        names = list(dict.fromkeys(name for points in self.series.values() for name, _, _ in points))
        legend = top + size + 50
        out = _beginning(self.name, left + size + 40, legend + 18 * (len(self.series) + len(names)) + 10, left)
        for step in range(6):
            share = step / 5
            x, y = left + share * size, top + (1 - share) * size
            out.append(
                f'<line x1="{left}" y1="{y:.0f}" x2="{left + size}" y2="{y:.0f}" stroke="#ddd"/>'
                f'<line x1="{x:.0f}" y1="{top}" x2="{x:.0f}" y2="{top + size}" stroke="#ddd"/>'
                f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{share:g}</text>'
                f'<text x="{x:.0f}" y="{top + size + 16}" text-anchor="middle">{share:g}</text>'
            )
        out.append(f'<text x="{left + size}" y="{top + size + 32}" text-anchor="end">{self.x}; {self.y}</text>')
        for place, (series, points) in enumerate(self.series.items()):
            color = COLORS[place % len(COLORS)]
            for name, across, up in points:
                x, y, number = left + across * size, top + (1 - up) * size, names.index(name) + 1
                out.append(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"><title>{series}: {name}</title></circle>'
                    f'<text x="{x + 4:.1f}" y="{y - 4:.1f}" font-size="10" fill="{color}">{number}</text>'
                )
            out.append(f'<text x="{left}" y="{legend + 18 * place}" fill="{color}">{series}</text>')
        for place, name in enumerate(names):
            out.append(f'<text x="{left}" y="{legend + 18 * (len(self.series) + place)}">{place + 1}: {name}</text>')
        return "\n".join([*out, "</svg>\n"])


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    header = "| measurement | Kith | peer | rate of the peer | ratio | target | |\n" + "| --- " * 7 + "|\n"
    return header + "".join(
        f"| {row.name} | {_spread(row.kith_rates)} {row.unit} | {row.peer} | {_spread(row.peer_rates)} | "
        f"{row.ratio:.2f} | {'' if row.target is None else row.target} | {row.verdict} |\n"
        for row in rows
    )


def report_results(
    section: str, command: str, text: str, curves: Sequence[Curve | Points] = (), record: bool = False
) -> None:
    """Print a section. With `record`, also write it to RESULTS.md and results.json, and a chart of each curve.

    Each section is measured by its own command, so it has the machine, versions and commit of its own run.
    """
    print(text)
    if not record:
        return
    file = HERE / "results.json"
    sections = json.loads(file.read_text("utf-8")) if file.exists() else {}
    pictures = {curve.name: curve.name.lower().replace(" ", "-").replace(",", "") + ".svg" for curve in curves}
    for curve in curves:
        (HERE / pictures[curve.name]).write_text(curve.svg(), encoding="utf-8")
    sections[section] = {
        "command": command,
        "measured on": machine(),
        "text": text.strip(),
        "pictures": pictures,
        "curves": [asdict(curve) for curve in curves],
    }
    file.write_text(json.dumps(sections, indent=1) + "\n", encoding="utf-8")
    (HERE / "RESULTS.md").write_text(_page(sections), encoding="utf-8")


def _page(sections: dict[str, Any]) -> str:
    page = (
        "# Results\n\nMedians, with minimum and maximum. Both sides run in turn (A B A B), after their results were "
        "compared. Each section names its command, and the machine, versions and commit of its run.\n"
    )
    for name, section in sections.items():
        environment = ", ".join(f"{key} {value}" for key, value in section["measured on"].items())
        pictures = "".join(f"\n![{title}]({file})\n" for title, file in section["pictures"].items())
        page += f"\n## {name}\n\n`{section['command']}`; {environment}.\n\n{section['text']}\n{pictures}"
    return page

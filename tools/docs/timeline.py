"""A timeline as SVG: rows of spans and marks over one axis of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, LABELS, MARGIN, ROW, AXIS = 860, 190, 40, 26, 34
#: Colours for pages in light and in dark.
STYLE = """\
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.axis { stroke: #8c959f; stroke-width: 1 } .grid { stroke: #8c959f; stroke-width: 1; opacity: .25 }
.span { fill: #0969da; opacity: .25 } .excluded { fill: #8c959f; opacity: .35 } .outage { fill: #cf222e; opacity: .12 }
.run { fill: #0969da } .late { fill: #bc4c00 } .missed { fill: none; stroke: #8c959f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #d1d7e0 } .span { fill: #539bf5 } .run { fill: #539bf5 } .late { fill: #f0883e }
}
</style>"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a timeline.

    spans: (begin, end, class of the style);  marks: (instant, class of the style). Instants in epoch seconds.
    """

    label: str
    spans: Sequence[tuple[float, float, str]] = ()
    marks: Sequence[tuple[float, str]] = ()


@dataclass
class Timeline:
    """Rows between two instants (epoch s).   ticks: instants and their labels."""

    title: str
    begin_s: float
    end_s: float
    ticks: Sequence[tuple[float, str]]
    rows: list[Row] = field(default_factory=list)

    def svg(self) -> str:
        """Return the picture."""
        height = AXIS + ROW * len(self.rows) + 10
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
                f"<title>{escape(self.title)}</title>",
                STYLE,
                *self._axis(height),
                *(line for number, row in enumerate(self.rows) for line in self._row(number, row)),
                "</svg>\n",
            ]
        )

    def _x(self, at_s: float) -> float:
        part = (at_s - self.begin_s) / (self.end_s - self.begin_s)
        return round(LABELS + min(max(part, 0), 1) * (WIDTH - LABELS - MARGIN), 1)

    def _axis(self, height: int) -> Iterable[str]:
        for at_s, label in self.ticks:
            x = self._x(at_s)
            yield f'<line class="grid" x1="{x}" y1="{AXIS - 8}" x2="{x}" y2="{height - 6}"/>'
            yield f'<text x="{x}" y="{AXIS - 14}" text-anchor="middle">{escape(label)}</text>'
        yield f'<line class="axis" x1="{LABELS}" y1="{AXIS - 8}" x2="{WIDTH - MARGIN}" y2="{AXIS - 8}"/>'

    def _row(self, number: int, row: Row) -> Iterable[str]:
        top = AXIS + ROW * number
        yield f'<text x="{LABELS - 10}" y="{top + 15}" text-anchor="end">{escape(row.label)}</text>'
        for begin_s, end_s, kind in row.spans:
            x, wide = self._x(begin_s), round(self._x(end_s) - self._x(begin_s), 1)
            if wide > 0:
                yield f'<rect class="{kind}" x="{x}" y="{top + 3}" width="{wide}" height="{ROW - 8}" rx="3"/>'
        for at_s, kind in row.marks:
            if self.begin_s <= at_s <= self.end_s:
                yield f'<circle class="{kind}" cx="{self._x(at_s)}" cy="{top + 11}" r="4"/>'

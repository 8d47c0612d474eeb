# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `scripts/bench` shows its figures as: tables for a terminal, one SVG, and the performance page of the documentation with a plot of its tables.

`figures` is what bench.json holds: `machine`, `versions`, and for each part what `scripts/bench` measured.
"""

from __future__ import annotations

import textwrap
import typing as t
from xml.sax.saxutils import escape

Figures = dict[str, t.Any]

#: Of each part: its heading, and what was done.
PARTS = {
    "a": (
        "An unchanged task",
        "A playbook holds the same task several times. Each sends one request, with the token and the ID known. The time of a playbook with one such "
        "task is taken off, and what is left is divided by the number of further tasks. The first one also imports what the others then find.",
    ),
    "b": (
        "The same in a loop",
        "One task with a loop. The time of a loop of one item is taken off, and what is left is divided by the number of further items.",
    ),
    "c": ("Fifty logical databases", "All of them exist, so nothing changes. The loops ask once for each name."),
    "d": (
        "Ten tasks on many databases",
        "Each database is a host. No limit is enforced here. The play of ansible.builtin.uri sends the same requests, "
        "each in a task of its own. Memory is the peak of the controller. The slope is what each further database costs, from one row to the next.",
    ),
    "e": (
        "Under the limit of the platform",
        "One task on each database, with no token known. The sandbox answers 60 requests a minute in all. "
        "The yardstick is the number of requests that were answered, divided by the limit. A run can end earlier, as the first 60 are answered at once.",
    ),
    "f": (
        "A download",
        "The archive of a backup. Both ways give the file and its SHA-256. The module also flushes the file to the disk before it names it. "
        "Memory is the peak of the largest process.",
    ),
    "g": (
        "An inventory, a report and a drift",
        "``ansible-inventory --list``, the playbook ``community.scalingo.report`` with all its readings, and ``community.scalingo.drift`` "
        "with four readings of each database, with no token known.",
    ),
    "h": (
        "A copy of a backup",
        "The archive of a backup, by ``scalingo_offsite_backup``: downloaded, verified to its last byte, optionally encrypted by ``openssl`` and decrypted "
        "again to prove it. Memory is the peak of the largest process. And a drill: ``scalingo_restore_drill`` restores a copy with so many MiB of rows "
        "on a PostgreSQL server of its own, beside ``pg_restore`` alone into a server with the same settings that is ready. The drill also "
        "verifies and unpacks the copy, makes the server, counts all rows, and removes everything. There the processor times and the memory are those "
        "of the drill's own process and of ``pg_restore``, and processor times with servers and clients stand beside them.",
    ),
}
#: The columns: key, heading, format.
COLUMNS = (
    ("way", "Way", "%s"),
    ("databases", "Databases", "%d"),
    ("mebibytes", "MiB", "%d"),
    ("latency", "Latency added, ms", "%d"),
    ("requests", "Requests", "%.4g"),
    ("refused", "Refused", "%d"),
    ("milliseconds", "Median, ms", "%.0f"),
    ("least", "Least, ms", "%.0f"),
    ("most", "Most, ms", "%.0f"),
    ("first", "The first one, ms", "%.0f"),
    ("processor_milliseconds", "Processor, ms", "%.0f"),
    ("seconds", "Seconds", "%.1f"),
    ("processor", "Processor, s", "%.1f"),
    ("processor_all", "With servers and clients, s", "%.1f"),
    ("least_seconds", "Requests divided by limit, s", "%.1f"),
    ("speed", "MiB/s", "%.0f"),
    ("memory", "Peak memory, MB", "%.0f"),
    ("seconds_each", "Slope, s per database", "%.2f"),
    ("processor_each", "Slope, processor s per database", "%.2f"),
    ("memory_each", "Slope, MB per database", "%.2f"),
    ("requests_each", "Slope, requests per database", "%.4g"),
)
#: What is not of this collection, by a part of its name. Both colours can be seen on a light page and on a dark one.
OTHERS = ("ansible.builtin.", "curl", "pg_restore")
COLOURS = ("#4a86cf", "#888a85")


def cells(part: Figures) -> list[list[str]]:
    """The heading and the rows of a part, as texts: the columns that it has, a dash for what a row lacks."""
    rows = part["rows"]
    used = [column for column in COLUMNS if any(row.get(column[0]) is not None for row in rows)]
    return [
        [heading for key, heading, shown in used],
        *([shown % row[key] if row.get(key) is not None else "-" for key, heading, shown in used] for row in rows),
    ]


def table(name: str, part: Figures) -> str:
    """A part for a terminal."""
    texts = cells(part)
    widths = [max(len(line[number]) for line in texts) for number in range(len(texts[0]))]
    lines = [f"({name}) {PARTS[name][0]}"]
    lines += [
        "  "
        + "  ".join(
            text.ljust(width) if number == 0 else text.rjust(width)
            for number, (text, width) in enumerate(zip(line, widths))
        )
        for line in texts
    ]
    lines += [f"  {shown['what']}: {shown['value']:.3g} (aim: {shown['aim']})" for shown in part["shown"]]
    lines += ["  " + note for note in part["notes"]]
    return "\n".join(lines)


def _bars(part: Figures, key: str, top: float) -> tuple[list[str], float]:
    rows = [row for row in part["rows"] if row.get(key) is not None]
    largest = max((row[key] for row in rows), default=1) or 1
    shown = next(column for column in COLUMNS if column[0] == key)
    lines = [f'<text x="0" y="{top}" class="axis">{escape(shown[1])}</text>']
    for row in rows:
        extra = ", ".join(
            f"{column[2] % row[column[0]]} {unit}"
            for column, unit in ((COLUMNS[1], "databases"), (COLUMNS[2], "MiB"), (COLUMNS[3], "ms added"))
            if row.get(column[0])
        )
        extra = extra.replace("1 databases", "1 database") if row.get("databases") == 1 else extra
        colour = COLOURS[any(name in row["way"] for name in OTHERS)]
        width = 330 * row[key] / largest
        lines += [
            f'<text x="0" y="{top + 20}">{escape(row["way"] + (", " + extra if extra else ""))}</text>',
            f'<rect x="0" y="{top + 25}" width="{width:.1f}" height="10" rx="2" fill="{colour}"/>',
            f'<text x="{width + 6:.1f}" y="{top + 34}">{escape(shown[2] % row[key])}</text>',
        ]
        top += 36
    return lines, top + 30


def plot(figures: Figures) -> str:
    """All parts as bars, each in its own scale. It has no background, and its text the colour of the page: light or dark."""
    lines: list[str] = []
    top = 20.0
    for name, part in sorted(figures["parts"].items()):
        lines.append(f'<text x="0" y="{top}" class="title">{escape(PARTS[name][0])}</text>')
        top += 20
        for key in part["plotted"]:
            more, top = _bars(part, key, top)
            lines += more
        top += 10
    # Nothing is wider than a phone, and nothing of it reaches other pictures of the page.
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 {top - 30:.0f}" class="scalingo-bench" role="img" '
        f'style="width:100%;max-width:560px;color:inherit" aria-label="{escape(_described(figures))}">'
    )
    style = (
        ".scalingo-bench text{font:12px sans-serif;fill:currentColor}.scalingo-bench .title{font-weight:bold;font-size:14px}"
        ".scalingo-bench .axis{font-style:italic}"
    )
    return "\n".join([head, f"<style>{style}</style>", *lines, "</svg>", ""])


def _described(figures: Figures) -> str:
    """The same for those who do not see it: what is shown, the shortest and the longest bar. The tables have the figures."""
    told = []
    for name, part in sorted(figures["parts"].items()):
        for key in part["plotted"]:
            rows = sorted((row for row in part["rows"] if row.get(key) is not None), key=lambda row: float(row[key]))
            if not rows:
                continue
            shown = next(column for column in COLUMNS if column[0] == key)
            ends = (f"{shown[2] % row[key]} ({row['way']})" for row in (rows[0], rows[-1]))
            told.append(f"{PARTS[name][0]}, {shown[1]}: from " + " to ".join(ends))
    return "Bars. " + ". ".join(told) + ". The tables of this page have all figures."


#: What the page shows as bars, of these parts, and of the rows without latency.
ON_THE_PAGE = {"a": "milliseconds", "c": "milliseconds", "d": "seconds"}


def tables(text: str) -> dict[str, list[dict[str, t.Any]]]:
    """The rows of each part as the page has them, which is where the figures are kept: texts of ways, and numbers."""
    keys = {heading: key for key, heading, shown in COLUMNS}
    found = {}
    for name, (title, dummy) in PARTS.items():
        inner = (
            text.partition(f"\n{title}\n{'-' * len(title)}\n")[2]
            .partition(":header-rows: 1\n\n")[2]
            .partition("\n\n")[0]
        )
        rows: list[list[str]] = []
        for line in inner.splitlines():
            if line.startswith("   * - "):
                rows.append([])
            rows[-1].append(line[len("   * - ") :])
        found[name] = [
            {
                keys[heading]: cell if heading == "Way" else float(cell)
                for heading, cell in zip(rows[0], row)
                if cell != "-"
            }
            for row in rows[1:]
        ]
    return found


def picture(text: str) -> str:
    """The plot of the page, drawn from its own tables."""
    kept = tables(text)
    parts = {
        name: {"rows": [row for row in kept[name] if not row.get("latency")], "plotted": [key]}
        for name, key in ON_THE_PAGE.items()
    }
    return plot({"parts": parts})


HEAD = """..
  Copyright (c) 2026, Community Scalingo contributors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.community.scalingo.docsite.performance:

Performance
===========

What tasks of this collection cost, beside the same by other means. ``make bench`` measures it against the sandbox on one machine, and
``scripts/bench --page`` writes this page. Each part was measured side by side in one run: the ways take turns, so that whatever else the
machine does falls on all of them. Other machines give other figures; the proportions between the ways should be about the same.

%s

.. contents::
   :local:
   :depth: 1

At a glance
-----------

One more task or item that changes nothing, and a fleet of databases. Blue is this collection; shorter is better. The sections
below say what was measured, with all figures.

.. raw:: html

"""


BUSY = """

.. warning::

   The machine had other work while this was measured (a load of up to %.0f), so all times are too long and uneven. Processor times suffer less."""


def page(figures: Figures) -> str:
    """The performance page."""
    machine, versions = figures["machine"], figures["versions"]
    about = "Measured on %s: %s, %d cores, %.0f GiB of memory, %s; %s." % (
        max(part["date"] for part in figures["parts"].values())[:10],
        machine["processor"],
        machine["cores"],
        machine["gibibytes"],
        machine["system"],
        ", ".join("{} {}".format(*item) for item in versions.items()),
    )
    about = textwrap.fill(about, 140)
    busiest = max(part["load"] for part in figures["parts"].values())
    if busiest > machine["cores"]:
        about += BUSY % busiest
    return drawn("\n".join([HEAD % about, *sections(figures)]) + "\n")


def sections(figures: Figures) -> list[str]:
    """What the page says of each part."""
    lines: list[str] = []
    for name, part in sorted(figures["parts"].items()):
        title, text = PARTS[name]
        lines += [
            "",
            title,
            "-" * len(title),
            "",
            textwrap.fill(text, 140),
            "",
            ".. list-table::",
            "   :header-rows: 1",
            "",
        ]
        for line in cells(part):
            lines += [f"   {('* -' if number == 0 else '  -')} {cell}" for number, cell in enumerate(line)]
        lines.append("")
        for shown in part["shown"]:
            lines.append(f"- {shown['what']}: {shown['value']:.3g}. The aim is {shown['aim']}.")
        lines += [f"- {note}" for note in part["notes"]]
        lines += [
            "- Rounds: %d. One-minute load of the machine before this part: %.1f." % (part["rounds"], part["load"])
        ]
    return lines


def drawn(text: str) -> str:
    """The page with the plot of its tables in place of what was there."""
    before, mark, after = text.partition(".. raw:: html\n\n")
    title = PARTS["a"][0]
    rest = after[after.index(f"\n{title}\n{'-' * len(title)}\n") :]
    return before + mark + textwrap.indent(picture(text), "   ") + "\n" + rest

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the role fleet_report, written by real Ansible from made-up readings and looked at in a real browser."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from support.chromium import Seen, look
from support.fleet import NOW, Data, database, failure, readings, target
from support.playbook import Ansible, Run

ROLE = Path(__file__).parents[2] / "roles" / "fleet_report"
#: All by one process, which draws the pages once.
pytestmark = pytest.mark.xdist_group("pages")
DEFAULTS = ROLE / "defaults" / "main.yml"
LEVELS = ["Critical", "Unreadable", "Warning", "Notice", "Good"]
#: In every place where text of somebody else stands. The last one is what Jinja would work out.
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&{{ 7 * 191 }}"


def hostile() -> Data:
    """Two databases with hostile texts in everything that they have, one of them unreadable, and one of which nothing is told."""
    of, lost, silent = target(HOSTILE + "/1", HOSTILE), target(HOSTILE + "/2", HOSTILE), target("silent")
    shown = database(
        HOSTILE,
        resource_id=HOSTILE,
        plan=HOSTILE,
        readable_version=HOSTILE,
        status=HOSTILE,
        next_version_id="n",
        features=[{"name": HOSTILE, "status": "FAILED"}],
        current_operation_id=HOSTILE,
    )
    full = {
        "versions": {
            "current_version": HOSTILE,
            "latest_minor": HOSTILE + "m",
            "latest": HOSTILE + "l",
            "majors": [HOSTILE],
        },
        "maintenance": [{"id": HOSTILE, "type": HOSTILE, "status": "queued"}],
        "firewall_rules": [{"cidr": HOSTILE}],
    }
    nothing = {**dict.fromkeys(shown), "features": [], "instances": [], "periodic_backups_scheduled_at": []}
    quiet = {
        "backups": [
            {"id": None, "status": "done", "method": None, "started_at": None, "created_at": None, "size": None}
        ],
        "maintenance": [dict.fromkeys(("id", "type", "status", "started_at"))],
        "metrics": {"database_stats": {}, "real_disk_size": None},
        "disk": {},
    }
    return {
        "databases": [{**shown, **of, **full}, {**nothing, **silent, **quiet}],
        "failures": [failure(lost, HOSTILE), failure(of, HOSTILE, "backups"), failure(of, HOSTILE, "disk")],
    }


def write(
    directory: Path, read: Data, title: str | None = None, programs: Path | None = None
) -> tuple[Run, Path, Data]:
    """Rate and write, as the role does: what it did, the page, and the report."""
    directory.mkdir()
    prefix = "fleet_report_"
    options = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    given = {name[len(prefix) :]: value for name, value in options.items()}
    given.update(
        title=title or given["title"],
        **{f"{kind}_file": str(directory / f"report.{kind}") for kind in ("html", "json")},
    )
    file = directory / "variables.json"
    file.write_text(json.dumps({"given": given, "read": read}), encoding="utf-8")
    role = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    wanted = ("Rate the databases", "Write the JSON report", "Write the HTML report")
    steps = [
        {key: value for key, value in task.items() if key != "tags"}
        for task in role[1]["block"]
        if task["name"] in wanted
    ]
    assert len(steps) == len(wanted)
    for step in steps[1:]:
        step["ansible.builtin.template"]["src"] = str(ROLE / "templates" / step["ansible.builtin.template"]["src"])
    tasks = [
        # As readings do, they come from a module: nobody ever takes them for templates.
        {"name": "Take the readings", "ansible.builtin.slurp": {"src": str(file)}, "register": "taken"},
        {
            "name": "Have them as the role has them",
            "ansible.builtin.set_fact": {
                "fleet_report_given": "{{ (taken.content | b64decode | from_json).given }}",
                "fleet_report_read": "{{ (taken.content | b64decode | from_json).read }}",
                "fleet_report_chosen": {"started_at": NOW},
            },
        },
        *steps,
    ]
    run = Ansible(directory, programs=programs).tasks(tasks).ok()
    return run, directory / "report.html", json.loads((directory / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Run, Path, Data]]:
    place = tmp_path_factory.mktemp("pages")
    return {
        name: write(place / name, read, title)
        for name, read, title in (
            ("5", readings(5), None),
            ("500", readings(500), None),
            ("hostile", hostile(), HOSTILE),
        )
    }


@pytest.fixture(scope="module")
def seen(pages: dict[str, tuple[Run, Path, Data]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """All views, with one browser."""
    views: list[Data] = []
    for name, (dummy, file, dummy2) in pages.items():
        common = {"file": str(file)}
        views += [
            {**common, "name": name + " wide", "width": 1280, "accessibility": name != "500"},
            {**common, "name": name + " narrow", "width": 390, "height": 844, "accessibility": True},
            {**common, "name": name + " print", "width": 1030, "print": True, "pdf": True},
        ]
        if name != "500":
            views.append({**common, "name": name + " dark", "dark": True, "accessibility": True})
    views += [
        {"name": "without script", "file": str(pages["5"][1]), "width": 390, "script": False},
        {"name": "searched", "file": str(pages["500"][1]), "search": "redis encryption"},
    ]
    return look(views)


@pytest.mark.parametrize(
    "view",
    [
        "5 wide",
        "5 narrow",
        "5 dark",
        "5 print",
        "500 wide",
        "500 narrow",
        "500 print",
        "hostile wide",
        "hostile narrow",
    ],
)
def test_nothing_is_wrong_in_any_view(seen: dict[str, Seen], view: str) -> None:
    """No sideways scroll, nothing that sticks out, no word on the console, no request, nothing that the checker minds."""
    page = seen[view]
    assert page["scrollWidth"] <= page["clientWidth"] and page["beyond"] == []
    assert page["said"] == [] and page["requests"] == []
    assert page.get("violations", []) == [] and page.get("incomplete", []) == []
    assert "passes" not in page or page["passes"] > 25


@pytest.mark.parametrize("count", [5, 500])
def test_the_page_says_what_the_report_says_the_worst_first(
    seen: dict[str, Seen], pages: dict[str, tuple[Run, Path, Data]], count: int
) -> None:
    report = pages[str(count)][2]
    assert len(report["databases"]) == count
    for view in ("wide", "narrow", "print"):
        page = seen[f"{count} {view}"]
        assert page["names"] == [row["name"] for row in report["databases"]]
        levels = [LEVELS.index(badge.strip()) for badge in page["badges"]]
        assert levels == sorted(levels) and len(set(levels)) >= 4
        for row, text in zip(report["databases"], page["rows"]):
            for reason in row["reasons"]:
                assert reason["text"] in text.replace("\n", " ")


def test_a_level_is_a_word_and_a_shape_and_not_only_a_colour(seen: dict[str, Seen]) -> None:
    page = seen["500 wide"]
    pairs = {(badge.strip(), sign) for badge, sign in zip(page["badges"], page["signs"])}
    assert pairs == {(word, "#" + word.lower()) for word in LEVELS}


def test_ages_are_worked_out_when_the_page_is_looked_at(
    seen: dict[str, Seen], pages: dict[str, tuple[Run, Path, Data]]
) -> None:
    with_backup = [row for row in pages["5"][2]["databases"] if (row["backup"] or {}).get("last_good_at")]
    assert with_backup
    assert len(seen["5 wide"]["ages"]) == len(with_backup)
    assert all(age == "just now" or age.endswith(" ago") for age in seen["5 wide"]["ages"])
    file = pages["5"][1].read_text(encoding="utf-8")
    assert " ago</" not in file and file.startswith("<!DOCTYPE html>")


def test_without_the_script_everything_is_there_but_ages_and_search(seen: dict[str, Seen]) -> None:
    page = seen["without script"]
    assert set(page["ages"]) == {""} and "Find" not in page["text"]
    assert page["names"] == seen["5 wide"]["names"]
    assert "2026-11-" in page["text"]


def test_many_databases_can_be_searched(seen: dict[str, Seen]) -> None:
    page = seen["searched"]
    assert 0 < len(page["names"]) < 50
    assert all("redis" in row.lower() and "encryption" in row for row in page["rows"])
    assert "%d of 500" % len(page["names"]) in page["text"]


def test_dark_is_dark(seen: dict[str, Seen]) -> None:
    assert seen["5 dark"]["background"] == "rgb(19, 21, 24)" != seen["5 wide"]["background"]


def test_in_print(seen: dict[str, Seen]) -> None:
    page = seen["500 print"]
    assert page["background"] == "rgb(255, 255, 255)"
    assert page["headRepeated"] == "table-header-group"
    assert "Find" not in page["text"] and " ago" not in page["text"]
    width, height = map(float, page["pageBox"].split()[2:])
    assert (round(width), round(height)) == (842, 595)
    assert 30 < page["pages"] < 100 and 1 <= seen["5 print"]["pages"] <= 2


def test_five_hundred_are_written_and_shown_soon(
    seen: dict[str, Seen], pages: dict[str, tuple[Run, Path, Data]]
) -> None:
    """Measured at about one second for each task and half a second in the browser; seven times as many processes as cores make it 2.5 and 3.3.

    What grows faster than the fleet takes minutes.
    """
    run, file, dummy = pages["500"]
    for name in ("Rate the databases", "Write the JSON report", "Write the HTML report"):
        (task,) = [item for item in run.results if item.task == name]
        assert task.seconds is not None and task.seconds < 15, name
    assert seen["500 wide"]["milliseconds"] < 30000
    assert file.stat().st_size < 1500000


def test_hostile_texts_are_only_texts(seen: dict[str, Seen], pages: dict[str, tuple[Run, Path, Data]]) -> None:
    page = seen["hostile wide"]
    dummy, file, report = pages["hostile"]
    assert page["title"] == HOSTILE
    assert page["inserted"] == 0
    assert page["names"] == [row["name"] for row in report["databases"]] == [HOSTILE + "/1", "silent", HOSTILE + "/2"]
    assert "None" not in page["text"]
    whole = file.read_text(encoding="utf-8")
    assert "<script>alert" not in whole and "<img" not in whole and "1337" not in whole
    assert page["text"].count("{{ 7 * 191 }}") >= 15


def test_hostile_texts_are_only_texts_for_the_newest_core(tmp_path: Path) -> None:
    dummy, file, report = write(tmp_path / "newest", hostile(), HOSTILE, programs=Path(sys.executable).parent)
    whole = file.read_text(encoding="utf-8")
    assert "<script>alert" not in whole and "<img" not in whole and "1337" not in whole
    assert report["databases"][0]["name"] == HOSTILE + "/1" and report["databases"][0]["plan"] == HOSTILE

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of the role backup_offsite: what is a good copy, what goes and what stays."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import random
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from support.programs import load, packed

PROGRAM = Path(__file__).resolve().parents[2] / "roles" / "backup_offsite" / "files" / "copies.py"
copies = load("backup_offsite_copies", PROGRAM)
ADDON = "ad-1"


def archive(content: bytes = random.Random(1).randbytes(200_000)) -> bytes:
    return packed({"dump.sql": content})


def run(step: str, **options: t.Any) -> dict[str, t.Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), step],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert ("problem" in answer) is (done.returncode == 1)
    return t.cast(dict[str, t.Any], answer)


def keep(directory: Path, day: int, addon: str = ADDON, **more: t.Any) -> Path:
    """A copy of a backup that began on a day of October, kept by the program itself."""
    path = directory / "growing"
    path.write_bytes(archive(b"%d" % day))
    options = {
        "path": str(path), "sha256": copies.digest(str(path)), "size": path.stat().st_size, "directory": str(directory), "name": f"shop.{day:02d}.tar.gz",
        "command": [], "suffix": ".sealed", "database": {"addon_id": addon}, "now": "2026-10-31T00:00:00Z",
        "backup": {"id": f"b{day:02d}", "started_at": f"2026-10-{day:02d}T03:00:00.000000Z"},
    }  # fmt: skip
    return Path(run("take", **{**options, **more})["path"])


def prune(
    directory: Path, keep_count: int, days: float | None = None, remove_bad: bool = False, only_look: bool = False
) -> list[str]:
    seconds = None if days is None else days * 86400
    answer = run(
        "prune", directory=str(directory), addon_id=ADDON, current="", keep_count=keep_count, keep_seconds=seconds, remove_bad=remove_bad,
        only_look=only_look,
    )  # fmt: skip
    return [Path(copy["path"]).name for copy in answer["removed"]]


def there(directory: Path) -> list[str]:
    """All names but those of locks, which stay."""
    return sorted(path.name for path in directory.iterdir() if not path.name.startswith(".lock-"))


def names(directory: Path) -> list[str]:
    return [name for name in there(directory) if not name.endswith(".json")]


def test_a_whole_archive_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(archive())
    assert copies.read_through(str(tmp_path / "whole")) == 200_000


@pytest.mark.parametrize("end", [0, 1, 20, 1000, 100_000, -700, -9, -8, -4, -1])
def test_a_truncated_archive_is_none(end: int, tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(archive()[:end])
    with pytest.raises(copies.Problem):
        copies.read_through(str(tmp_path / "cut"))


@pytest.mark.parametrize("place", [0, 2, 5000, 100_000, -20, -6, -2])
def test_an_altered_archive_is_none(place: int, tmp_path: Path) -> None:
    content = bytearray(archive())
    content[place] ^= 16
    (tmp_path / "altered").write_bytes(content)
    with pytest.raises(copies.Problem):
        copies.read_through(str(tmp_path / "altered"))


def test_a_tar_that_is_cut_inside_a_whole_gzip_is_none(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(gzip.compress(gzip.decompress(archive())[:100_000]))
    with pytest.raises(copies.Problem):
        copies.read_through(str(tmp_path / "cut"))


def test_an_empty_archive_is_none(tmp_path: Path) -> None:
    for name, content in (("nothing", b""), ("empty", archive(b"")), ("text", b"<html>no</html>")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(copies.Problem):
            copies.read_through(str(tmp_path / name))


def test_what_came_otherwise_than_said_is_not_kept(tmp_path: Path) -> None:
    for wrong in ({"size": 1}, {"sha256": "0" * 64}):
        path = tmp_path / "growing"
        path.write_bytes(archive())
        options = {
            "path": str(path),
            "sha256": copies.digest(str(path)),
            "size": None,
            "command": [],
            "database": {"addon_id": ADDON},
            **wrong,
        }
        assert "problem" in run("take", **options)
        assert there(tmp_path) == []


def test_encryption_leaves_nothing_clear(tmp_path: Path) -> None:
    script = "tr '\\000-\\377' '\\001-\\377\\000' < $0 > $1"
    path = keep(tmp_path, 1, command=["sh", "-c", script, "{input}", "{output}"])
    described = json.loads(Path(str(path) + ".json").read_text(encoding="utf-8"))
    clear = bytes((byte - 1) % 256 for byte in path.read_bytes())
    assert (
        path.name == "shop.01.tar.gz.sealed"
        and described["encrypted"]
        and described["sha256"] == copies.digest(str(path))
        and described["archive"]["sha256"] == hashlib.sha256(clear).hexdigest() != described["sha256"]
    )
    assert there(tmp_path) == [path.name, path.name + ".json"] and path.stat().st_mode & 0o777 == 0o600


def test_the_command_learns_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCALINGO_API_TOKEN", "SCALINGO_ADDON_TOKEN", "SCALINGO_POSTGRESQL_URL"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("KEY_OF_THE_USER", "kept")
    path = keep(tmp_path, 1, command=["sh", "-c", "env > $1", "{input}", "{output}"])
    surroundings = path.read_text(encoding="utf-8")
    assert "KEY_OF_THE_USER=kept" in surroundings and "canary" not in surroundings


def test_a_command_forges_no_line(tmp_path: Path) -> None:
    found = keep_fails(
        tmp_path, ["sh", "-c", "printf 'first\\nPLAY\\033[2K RECAP\\342\\200\\256' >&2; exit 3", "{input}", "{output}"]
    )
    assert found["problem"] == "sh ended with 3: PLAY\\x1b[2K RECAP\\u202e"


def keep_fails(directory: Path, command: list[str]) -> dict[str, t.Any]:
    path = directory / "growing"
    path.write_bytes(archive())
    found = {"path": str(path), "size": None, "sha256": copies.digest(str(path)), "suffix": ".sealed"}
    return run("take", **found, command=command, database={"addon_id": ADDON})


def test_the_newest_good_ones_stay_whatever_their_age(tmp_path: Path) -> None:
    for day in (1, 5, 20, 28, 30):
        keep(tmp_path, day)
    assert prune(tmp_path, 4, days=1, only_look=True) == ["shop.01.tar.gz"] and len(names(tmp_path)) == 5
    assert prune(tmp_path, 4, days=40) == []
    assert prune(tmp_path, 2, days=10) == ["shop.05.tar.gz", "shop.01.tar.gz"]
    assert prune(tmp_path, 1) == ["shop.28.tar.gz", "shop.20.tar.gz"]
    assert there(tmp_path) == ["shop.30.tar.gz", "shop.30.tar.gz.json"]


def test_bad_ones_never_count(tmp_path: Path) -> None:
    paths = [keep(tmp_path, day) for day in (1, 2, 3, 4)]
    paths[3].write_bytes(paths[3].read_bytes()[:-1])
    paths[2].unlink()
    content = bytearray(paths[1].read_bytes())
    content[30] ^= 1
    paths[1].write_bytes(content)
    found = run("look", directory=str(tmp_path), addon_id=ADDON)["copies"]
    assert [copy["good"] for copy in found] == [False, False, False, True]
    assert ["bytes" in found[0]["problem"], "not there" in found[1]["problem"], "altered" in found[2]["problem"]] == [
        True
    ] * 3
    # Fewer good ones than asked for: nothing goes, not even what is bad.
    assert prune(tmp_path, 2) == prune(tmp_path, 2, remove_bad=True) == []
    assert sorted(prune(tmp_path, 1, remove_bad=True)) == ["shop.02.tar.gz", "shop.03.tar.gz", "shop.04.tar.gz"]
    assert names(tmp_path) == ["shop.01.tar.gz"]


def test_there_are_never_fewer_good_ones_than_asked_for() -> None:
    """Every directory of up to five copies, good or bad, for every number and age."""
    for goodness in itertools.chain.from_iterable(
        itertools.product([True, False], repeat=number) for number in range(6)
    ):
        found = [
            {
                "path": str(day),
                "problem": "" if good else "bad",
                "backup": {"id": str(day), "started_at": f"2026-10-{30 - 3 * day:02d}T03:00:00Z"},
            }
            for day, good in enumerate(goodness)
        ]
        for count, seconds, remove_bad in itertools.product(range(1, 6), (None, 0, 5 * 86400), (True, False)):
            going = {copy["path"] for copy in copies.chosen(found, count, seconds, remove_bad)}
            left = [copy for copy in found if copy["path"] not in going and not copy["problem"]]
            assert len(left) >= min(count, sum(goodness))
            assert [copy["path"] for copy in left][:count] == [copy["path"] for copy in found if not copy["problem"]][
                :count
            ]


def test_a_description_without_a_file_is_a_finding_unless_it_was_unfinished(tmp_path: Path) -> None:
    path = keep(tmp_path, 1)
    keep(tmp_path, 2)
    described = json.loads(Path(str(path) + ".json").read_text(encoding="utf-8"))
    path.unlink()
    assert [copy["good"] for copy in run("look", directory=str(tmp_path), addon_id=ADDON)["copies"]] == [True, False]
    Path(str(path) + ".json").write_text(json.dumps({**described, "unfinished": True}), encoding="utf-8")
    assert [copy["backup_id"] for copy in run("look", directory=str(tmp_path), addon_id=ADDON)["copies"]] == ["b02"]
    assert prune(tmp_path, 5) == [] and not Path(str(path) + ".json").exists() and names(tmp_path) == ["shop.02.tar.gz"]


def test_no_directory_holds_no_copies(tmp_path: Path) -> None:
    assert run("look", directory=str(tmp_path / "none"), addon_id=ADDON) == {"copies": [], "removed": []}

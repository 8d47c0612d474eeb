# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes the processes of the tests shorter changes nothing else: what runs is what is in the archive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from support.playbook import INTERPRETER


def test_what_was_compiled_is_used_for_the_same_text_only(tmp_path: Path) -> None:
    place = tmp_path / "tests" / "support" / "interpreter"
    place.mkdir(parents=True)
    shutil.copy(INTERPRETER / "sitecustomize.py", place)

    def run(text: str, archive: str) -> str:
        with zipfile.ZipFile(tmp_path / archive, "w") as file:
            file.writestr("thing.py", text)
        code = "import sys; sys.path.insert(0, %r); import thing; print(thing.VALUE, thing.get.__code__.co_filename)" % str(tmp_path / archive)
        done = subprocess.run(
            [sys.executable, "-c", code], env={"PATH": os.defpath, "PYTHONPATH": str(place)}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    text = "VALUE = %d\n\n\ndef get():\n    return VALUE\n"
    assert run(text % 1, "a.zip") == "1 %s" % (tmp_path / "a.zip" / "thing.py")
    (kept,) = (tmp_path / ".cache" / "bytecode").iterdir()
    before = kept.stat().st_mtime_ns
    # The same text elsewhere: tracebacks name the file that it came from.
    assert run(text % 1, "b.zip") == "1 %s" % (tmp_path / "b.zip" / "thing.py") and kept.stat().st_mtime_ns == before
    assert run(text % 2, "a.zip") == "2 %s" % (tmp_path / "a.zip" / "thing.py")
    # What cannot be read is compiled again.
    kept.write_bytes(b"\x00")
    assert run(text % 1, "a.zip").startswith("1 ") and kept.stat().st_size > 1

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages in a real browser without a screen: the Chromium of Debian, driven by Playwright, checked by axe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import typing as t
from pathlib import Path

from support.fetched import debian

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / ".cache" / "node"
PROGRAM = Path(__file__).resolve().parent / "browser" / "look.cjs"
PACKAGE = "chromium-headless-shell"

Seen = dict[str, t.Any]

#: The fonts of the machine, or those that came with the browser where it has none.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{tree}/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
  <alias binding="same"><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias binding="same"><family>sans</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
"""


def look(views: t.Sequence[t.Mapping[str, t.Any]], timeout: float = 600) -> dict[str, Seen]:
    """What is to be seen in each view, by its name. look.cjs says what a view is."""
    tree, variables = debian(PACKAGE)
    assert (NODE / "node_modules" / "playwright-core").is_dir(), (
        "the driver is not installed: run scripts/bootstrap node"
    )
    # Some libraries lie a directory deeper than the loader looks, and find each other by the path of a system.
    deeper = sorted({str(path.parent) for path in tree.glob("usr/lib/*-linux-gnu*/*/lib*.so*")})
    with tempfile.TemporaryDirectory(prefix="browser-") as place:
        fonts = Path(place) / "fonts.conf"
        fonts.write_text(FONTS.format(tree=tree, cache=Path(place) / "fonts"), encoding="utf-8")
        environment = {
            "HOME": place,
            "TMPDIR": place,
            "LANG": "C.UTF-8",
            "PATH": os.pathsep.join([variables["PATH"], "/usr/bin", "/bin"]),
            "LD_LIBRARY_PATH": os.pathsep.join([variables["LD_LIBRARY_PATH"], *deeper]),
            "FONTCONFIG_FILE": str(fonts),
            "NODE_PATH": str(NODE / "node_modules"),
        }
        task = {"executable": str(tree / "usr" / "lib" / "chromium" / PACKAGE), "views": list(views)}
        process = subprocess.Popen(
            [str(NODE / "bin" / "node"), str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(json.dumps(task), timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        assert process.returncode == 0, stderr[-4000:]
        return t.cast("dict[str, Seen]", json.loads(stdout))

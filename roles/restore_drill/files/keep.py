# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write files, each whole or not at all, readable by its owner alone, and on the disk before this ends. Reads their paths and texts as JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile


def keep(path: str, text: str) -> None:
    directory = os.path.dirname(os.path.abspath(path))
    # The name of a new file of its own, of the mode 0600.
    descriptor, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=directory)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def main() -> str:
    """What could not be written, as text."""
    # So that no part of a file stays when the run is told to end.
    signal.signal(signal.SIGTERM, lambda dummy, frame: sys.exit(1))
    problems = []
    for path, text in json.load(sys.stdin).items():
        try:
            keep(path, text)
        except OSError as error:
            problems.append("%s cannot be written: %s" % (path, error.strerror))
    return "; ".join(problems)


if __name__ == "__main__":
    sys.exit(main() or 0)

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes the many short processes of the tests shorter. Nothing else is different.

Ansible packs each module with all that it imports into an archive, and every process that runs one compiles the same files anew: nearly half
of its time. Here what came out is kept, by the content of the file, below .cache. And while a process imports and ends, there is no garbage
to be looked for. Python imports a module of this name when it starts; the tests put its directory on PYTHONPATH, and nothing that users run
does.
"""

from __future__ import annotations

import _imp
import contextlib
import gc
import marshal
import os
import sys
import zipimport
from _blake2 import blake2b

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, os.pardir, ".cache", "bytecode")
_compile = zipimport._compile_source


def _compiled(path, source):
    place = os.path.join(DIRECTORY, "%s-%s" % (sys.implementation.cache_tag, blake2b(source, digest_size=16).hexdigest()))
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
        with open(place, "rb") as file:
            code = marshal.load(file)
        _imp._fix_co_filename(code, path)
        return code
    code = _compile(path, source)
    with contextlib.suppress(OSError):
        os.makedirs(DIRECTORY, exist_ok=True)
        own = "%s.%d" % (place, os.getpid())
        with open(own, "wb") as file:
            marshal.dump(code, file)
        os.replace(own, place)
    return code


zipimport._compile_source = _compiled
gc.set_threshold(100_000, 50, 50)

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the checkout importable as ansible_collections.community.scalingo, and tests/support as support."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

for name, places in (
    ("ansible_collections", []),
    ("ansible_collections.community", []),
    ("ansible_collections.community.scalingo", [str(ROOT)]),
):
    if name not in sys.modules:
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        assert spec.submodule_search_locations is not None
        spec.submodule_search_locations.extend(places)
        sys.modules[name] = importlib.util.module_from_spec(spec)

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if str(ROOT / "tests") not in sys.path:
    sys.path.append(str(ROOT / "tests"))

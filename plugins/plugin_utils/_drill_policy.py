# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""The file in which users say what they want of restore drills."""

from __future__ import annotations

import os.path
import time
import typing as t

from ansible.errors import AnsibleError
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from ansible_collections.community.scalingo.plugins.plugin_utils import _drills, _fleet
from ansible_collections.community.scalingo.plugins.plugin_utils._action import plain
from ansible_collections.community.scalingo.plugins.plugin_utils._role_reader import Reader, is_blank


def read_policy(loader: t.Any, path: str, **more: t.Any) -> _drills.Policy:
    """Return the policy in a file of YAML or JSON; that of no file wants a drill of every database. Raises `_fleet.Refused`."""
    content: t.Any = {}
    if path:
        try:
            content = plain(loader.load_from_file(os.path.abspath(path)))
        except AnsibleError as error:
            said = visible(str(error)).split(" The error appears")[0]
            raise _fleet.Refused(f"the policy {path} cannot be read: {said}") from None
    if not isinstance(content, dict):
        raise _fleet.Refused(
            f"the policy {path} holds no keys: give for example every, scope, exclusions and deviations"
        )
    reader = Reader("policy.")
    given = {name: value for name, value in content.items() if not is_blank(value)}
    policy = {**reader.options(_drills.POLICY, given, "policy."), **more}
    problems = reader.problems or list(_drills.refused(policy))
    if problems:
        lines = [f"the policy {path} is not valid, and nothing was done:", *(f"- {text}" for text in problems)]
        raise _fleet.Refused("\n".join(lines))
    return _drills.Policy(policy, time.time())

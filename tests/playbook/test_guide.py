# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays of the guide and of the README, run as they stand; the guide's also promise what they cost and that they are repeatable."""

from __future__ import annotations

import re
import textwrap

from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible

BLOCK = r"\.\. code-block:: %s\n\n(.*?\n)(?=\S)"


def plays(name: str, pattern: str) -> str:
    found = re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return "\n".join(textwrap.dedent(text) for text in found if "hosts:" in text)


def test_the_plays_of_the_guide(ansible: Ansible, sandbox: Sandbox) -> None:
    text = plays("docs/docsite/rst/guide.rst", BLOCK % r"yaml\+jinja")
    (databases,) = re.findall(
        BLOCK % "yaml", (ROOT / "docs/docsite/rst/guide.rst").read_text(encoding="utf-8"), re.DOTALL
    )
    path = ansible.directory / "shop.scalingo_databases.yml"
    path.write_text(textwrap.dedent(databases), encoding="utf-8")
    first = ansible.play(text, "-i", str(path)).ok().clean()
    assert first.tasks("Back up at three, maintain on Sunday night")[0].result["changed"]
    assert first.result("Predict the change")["steps"]
    assert first.count("rescued") == 1
    assert len(first.by_host("Maintain on Sunday night")) == 3
    sandbox.clear_log()
    second = ansible.play(text, "-i", str(path)).ok().clean()
    written = [record.action_name or record.route for record in sandbox.unsafe() if record.role != "auth"]
    assert written == ["reset-database"]
    assert second.result("Ensure the logical databases exist")["api_usage"]["requests"] == 1


def test_the_play_of_the_readme(ansible: Ansible) -> None:
    text = plays("README.md", r"```yaml\n(.*?)```")
    assert ansible.play(text).ok().clean().count("changed") == 1
    assert ansible.play(text).ok().clean().count("changed") == 0

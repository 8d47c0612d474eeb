# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays of the guide and of the README, run as they stand; the guide's also promise what they cost and that they are repeatable."""

from __future__ import annotations

from pathlib import Path

import yaml
from scalingo_sandbox.testing import Sandbox
from support.pages import Page
from support.playbook import Ansible

GUIDE = Page("guide")
README = Page("README.md")
SANDBOX = Page("tests/sandbox/README.md")


def test_the_plays_of_the_guide(tmp_path: Path) -> None:
    text = "\n".join(GUIDE.plays)
    # A sandbox as a reader starts it.
    with Sandbox() as sandbox:
        ansible = Ansible(tmp_path, sandbox.running.exports())
        first = ansible.play(text).ok().clean()
        assert first.tasks("Back up at three, maintain on Sunday night")[0].result["changed"]
        assert first.result("Predict the change")["steps"]
        assert first.count("rescued") == 1
        sandbox.clear_log()
        second = ansible.play(text).ok().clean()
        written = [record.action_name or record.route for record in sandbox.unsafe() if record.role != "auth"]
        assert written == ["reset-database"]
        assert second.result("Ensure the logical databases exist")["api_usage"]["requests"] == 1


def test_the_play_of_the_readme(ansible: Ansible) -> None:
    (shown,) = README.run(ansible)
    assert "Set the backup schedule" in shown.stdout
    assert [item.result["changed"] for item in shown.results] == [True, True]
    assert ansible.play(README.files["shop.yml"]).ok().clean().count("changed") == 0


def test_the_sandbox_as_its_readme_says(ansible: Ansible) -> None:
    """Its command starts a sandbox of its own. What exists in it without a seed is not what the play is about."""
    ansible.environment = {}
    play = "- hosts: localhost\n  gather_facts: false\n  tasks: [{community.scalingo.scalingo_user_info: {}}]\n"
    (ansible.directory / "shop.yml").write_text(play, encoding="utf-8")
    (shown,) = SANDBOX.run(ansible)
    assert shown.count("ok") == 1
    seed = yaml.safe_load(SANDBOX.files["seed.yml"])
    with Sandbox(seed) as sandbox:
        assert sandbox.state()["apps"][0]["name"] == "shop"

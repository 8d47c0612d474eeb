# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that means false is false, wherever it comes from: a database is never opened by a quotation mark.

The database of these tests has force-ssl on and the tasks give their consent, so that nothing else would hold it back.
"""

from __future__ import annotations

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, Ansible, task
from support.shop import routes

MODULE = MODULE_PREFIX + "scalingo_database"
READY = {"app": "shop", "addon": "mysql", "allow": ["exposure"], "wait_interval": 0.1}
READY_TEXT = "app=shop addon=mysql allow=exposure wait_interval=0.1 "

FALSE = ("false", "False", "FALSE", "no", "off", "0", "n", "f")


def opened(sandbox: Sandbox) -> list[str]:
    return list(routes(sandbox.unsafe()))


def test_false_as_text_in_a_playbook(ansible: Ansible, sandbox: Sandbox) -> None:
    tasks = [
        task("scalingo_database", f"the text {word}", features={"publicly-available": word}, **READY) for word in FALSE
    ]
    run = ansible.tasks(tasks).ok()
    assert run.count("ok") == len(FALSE) and run.count("changed") == 0
    assert opened(sandbox) == []


@pytest.mark.parametrize(
    "options", (["-e", "x=false"], ["-e", '{"x": "false"}'], ["-e", '{"x": false}'], ["-e", "x=no"])
)
def test_false_from_the_command_line(options: list[str], ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks(
        [
            task("scalingo_database", "as it is", features={"publicly-available": "{{ x }}"}, **READY),
            task("scalingo_database", "within text", features="{{ {'publicly-available': x} }}", **READY),
        ],
        *options,
    ).ok()
    assert run.count("ok") == 2 and run.count("changed") == 0
    assert opened(sandbox) == []


@pytest.mark.parametrize(
    "features",
    (
        """features='{"publicly-available": "false"}'""",
        "features='{\"publicly-available\": false}'",
        "features=publicly-available=false",
        "features=publicly-available=no",
        "features='publicly-available=False, force-ssl=true'",
    ),
)
def test_false_in_key_value_form(features: str, ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.ad_hoc(MODULE, READY_TEXT + features).ok()
    assert run.only.result["changed"] is False
    assert opened(sandbox) == []


def test_true_does_open_it_in_every_one_of_these_forms(ansible: Ansible, sandbox: Sandbox) -> None:
    """The tests above would also pass if nothing ever happened."""
    run = ansible.tasks(
        [
            task("scalingo_database", "text", features={"publicly-available": "true"}, **READY),
            task("scalingo_database", "back", features={"publicly-available": "{{ y }}"}, **READY),
            task("scalingo_database", "variable", features={"publicly-available": "{{ x }}"}, **READY),
        ],
        "-e",
        "x=true",
        "-e",
        "y=false",
    ).ok()
    assert run.count("changed") == 3
    assert opened(sandbox) == ["D6", "D7", "D6"]
    sandbox.clear_log()
    run = ansible.ad_hoc(MODULE, READY_TEXT + "features=publicly-available=false").ok()
    assert run.only.result["changed"] is True
    run = ansible.ad_hoc(MODULE, READY_TEXT + "features=publicly-available=true").ok()
    assert run.only.result["changed"] is True
    assert opened(sandbox) == ["D7", "D6"]


def test_text_that_is_neither_fails_in_every_form(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks(
        [task("scalingo_database", features={"publicly-available": "{{ x }}"}, **READY)], "-e", "x=maybe"
    ).failed()
    assert "'maybe' is not a boolean" in run.only.result["msg"]
    ad_hoc = ansible.ad_hoc(MODULE, READY_TEXT + "features=publicly-available=maybe").failed()
    assert "'maybe' is not a boolean" in ad_hoc.only.result["msg"]
    assert sandbox.log() == []

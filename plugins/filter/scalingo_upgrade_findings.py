# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_upgrade_findings
version_added: 0.1.0
short_description: Report what an upgrade has lost
description:
  - Compares what a database was like before an upgrade with what it is like after it, and returns what is wrong as sentences.
  - It sends no request. The role P(community.scalingo.upgrade_verify#role) does the reading.
  - What was not known before is not missed.
positional: after
options:
  _input:
    description:
      - What the database was like before. The keys are V(version), V(status), V(instances), V(extensions), V(logical_databases) and V(users), each as the
        info module for it returns it, logical databases and users as their names alone.
    type: dict
    required: true
  after:
    description: What it is like after, with the same keys.
    type: dict
    required: true
  version:
    description: The version that it should have now. Without it any other than before will do.
    type: str
    default: ""
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Show the findings
  ansible.builtin.debug:
    msg: "{{ before | community.scalingo.scalingo_upgrade_findings(after, version='17.10.0-1') }}"
  vars:
    before:
      version: 16.14.0-1
      status: running
      instances: []
      extensions: [{name: hstore, version: '1.8'}]
      logical_databases: []
      users: [shop_1001, reporting]
    after:
      version: 17.10.0-1
      status: running
      instances: []
      extensions: []
      logical_databases: []
      users: [shop_1001, reporting]
"""

RETURN = r"""
_value:
  description: What is wrong, in sentences. Empty when nothing is.
  type: list
  elements: str
  sample:
    - the extension hstore (1.8) is gone
"""

import collections
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible

Snapshot = t.Mapping[str, t.Any]


def _versions(before: Snapshot, after: Snapshot, version: str) -> t.Iterator[str]:
    now = after.get("version")
    if version and now != version:
        yield f"the version is {now} and not {version}"
    elif not version and now == before.get("version"):
        yield f"the version is {now}, as before"


def _instances(before: Snapshot, after: Snapshot) -> t.Iterator[str]:
    for instance in after.get("instances") or []:
        if instance.get("status") != "running":
            words = [instance.get("type") or "instance", *([instance["role"]] if instance.get("role") else [])]
            yield f"the instance {instance.get('id')} ({', '.join(words)}) is {instance.get('status') or 'in an unknown state'}"
    counted = [
        collections.Counter(item.get("type") for item in side.get("instances") or []) for side in (before, after)
    ]
    for kind, number in sorted(counted[0].items(), key=str):
        if counted[1][kind] < number:
            yield "there are %d instances of the type %s, and %d before" % (counted[1][kind], kind, number)


def _lost(before: Snapshot, after: Snapshot) -> t.Iterator[str]:
    there = {extension["name"] for extension in after.get("extensions") or []}
    for extension in before.get("extensions") or []:
        if extension["name"] not in there:
            yield f"the extension {extension['name']} ({extension.get('version')}) is gone"
    for key, noun in (("logical_databases", "logical database"), ("users", "user")):
        for name in before.get(key) or []:
            if name not in (after.get(key) or []):
                yield f"the {noun} {name} is gone"


def scalingo_upgrade_findings(before: t.Any, after: t.Any, version: str = "") -> list[str]:
    """What is wrong after an upgrade, in sentences; empty when nothing is. Raises AnsibleFilterError when a side is no dictionary."""
    if not isinstance(before, t.Mapping) or not isinstance(after, t.Mapping):
        raise AnsibleFilterError("scalingo_upgrade_findings compares two dictionaries")
    findings = list(_versions(before, after, version))
    if after.get("status") != "running":
        findings.append("the database is %s and not running" % (after.get("status") or "in an unknown state"))
    return [visible(text) for text in (*findings, *_instances(before, after), *_lost(before, after))]


class FilterModule:
    """The filter for `ansible-core`."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_upgrade_findings": scalingo_upgrade_findings}

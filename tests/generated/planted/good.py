# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.community.scalingo.plugins.module_utils._api import logical_database
from ansible_collections.community.scalingo.plugins.module_utils._api.database import show_database, update_database
from ansible_collections.community.scalingo.plugins.module_utils._change import Resource
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput
from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._step import Consent, Step

DOCUMENTATION = r"""
module: good
version_added: 0.1.0
short_description: A module with nothing wrong, for the suites that must reject its bad twins
description:
  - Sets the hour of the backup, turns backups on or off, and sees to it that a logical database exists.
  - A run without changes costs two requests.
options:
  hour:
    description: The hour, V(0) to V(23).
    type: int
  enabled:
    description: Whether there are backups.
    type: bool
  database:
    description: The logical database.
    type: str
    required: true
  allow:
    description: The consequences that you agree to.
    type: list
    elements: str
    choices: [backups_off]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
"""

EXAMPLES = r"""
- name: Have a database, with backups at three
  community.scalingo.good:
    app: shop
    addon: mysql
    hour: 3
    database: orders
"""

RETURN = r"""
schedule:
  description: What there is.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether there are backups.
      type: bool
      sample: true
    hours:
      description: The hours.
      type: list
      elements: int
      sample: [3]
    cluster:
      description: Whether there are several nodes.
      type: bool
      sample: true
    databases:
      description: The logical databases.
      type: list
      elements: str
      sample: [orders]
steps:
  description: What was done.
  returned: success
  type: list
  elements: str
  sample: [set the hour]
steps_done:
  description: What was done before the task failed.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: [set the hour]
step_failed:
  description: What failed.
  returned: when the task fails after it began to change something
  type: str
  sample: set the hour
app: {description: The app., returned: success, type: str, sample: shop}
addon_id: {description: The addon., returned: success, type: str, sample: ad-1}
region: {description: The region., returned: success, type: str, sample: osc-fr1}
api_usage: {description: The cost., returned: success, type: dict, sample: {}}
notes: {description: Notes., returned: success, type: list, elements: str, sample: []}
error: {description: The error., returned: failure, type: dict, sample: {}}
"""


class RESOURCE(Resource):
    reading = "read the schedule"

    @classmethod
    def parse(cls, params):
        if params["hour"] is not None and not 0 <= params["hour"] <= 23:
            raise InvalidInput("hour: {} does not exist".format(params["hour"]))

    def read(self):
        found = show_database(self.client)
        names = [item["name"] for item in logical_database.list_logical_databases(self.client)]
        return {
            "enabled": found["periodic_backups_enabled"],
            "hours": found["periodic_backups_scheduled_at"],
            "cluster": found["cluster"],
            "databases": names,
        }

    def managed(self, state):
        return {
            "enabled": state["enabled"],
            "hours": state["hours"],
            "exists": self.params["database"] in state["databases"],
        }

    def result(self, state):
        return {"schedule": state}

    def wanted(self, before):
        after = dict(before)
        if self.params["enabled"] is not None:
            after["enabled"] = self.params["enabled"]
        if self.params["hour"] is not None:
            after["hours"] = [self.params["hour"]]
        if self.params["database"] not in before["databases"]:
            after["databases"] = before["databases"] + [self.params["database"]]
        return after

    def steps(self, before, after):
        steps = []

        def same(name):
            return lambda state: state[name] == after[name]

        if before["enabled"] != after["enabled"]:
            word = () if after["enabled"] else (Consent("allow", "backups_off", "There would be no backup"),)
            steps.append(
                Step(
                    "switch",
                    send=lambda: self.set(periodic_backups_enabled=after["enabled"]),
                    consent=word,
                    happened=same("enabled"),
                )
            )
        if before["hours"] != after["hours"]:
            steps.append(
                Step(
                    "set the hour",
                    send=lambda: self.set(periodic_backups_scheduled_at=after["hours"][0]),
                    happened=same("hours"),
                )
            )
        if before["databases"] != after["databases"]:
            steps.append(
                Step("create the database", send=self.create, happened=lambda state: self.there(state), resend=True)  # pylint: disable=unnecessary-lambda
            )
        return steps

    def there(self, state):
        return self.params["database"] in state["databases"]

    def create(self):
        logical_database.create_logical_database(self.client, self.params["database"])

    def set(self, **changes):
        update_database(self.client, changes)


def argument_spec():
    return (
        COMMON
        + waiting(900, wait=False)
        + consent("backups_off")
        + Spec({"hour": {"type": "int"}, "enabled": {"type": "bool"}, "database": {"type": "str", "required": True}})
    )


def main():
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()

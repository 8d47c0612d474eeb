#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_event_info
version_added: 0.1.0
short_description: List events of apps and their databases
description:
  - Returns the events of an app, newest first, including the user who caused each.
  - When neither O(app) nor E(SCALINGO_APP) is set, the events of all apps of the region that the account can see are returned, and
    those of the account itself.
  - Events include failed backups, upgrades, plan changes and maintenance.
  - Details are returned only for the database and addon events listed under O(types).
  - Other events can contain secrets, such as environment variables. Only their type, time and user are returned.
  - For other types with C(addon) or C(database) in their name, only known fields are returned.
  - The task fails above 1,000 pages (50,000 events). Reduce the list with O(since) or O(limit).
  - O(addon) is ignored, as upgrade and maintenance events do not contain the addon.
  - To filter other events by addon, use C(type_data.addon_uuid), C(type_data.addon_id) or C(type_data.resource_id).
  - Costs one request to the main API per 50 events read. O(limit) and O(since) reduce the number.
options:
  limit:
    description: Return at most this many events.
    type: int
    default: 20
  types:
    description:
      - Return only events of these types.
      - Addon events are V(new_addon), V(upgrade_addon), V(addon_updated), V(delete_addon), V(suspend_addon) and V(resume_addon).
      - Database events are V(upgrade_database), V(database/add_feature), V(database/remove_feature), V(database_backup_succeeded) and
        V(database_backup_failed).
      - Continuous backup events are V(database_continuousbackup_healthy), V(database_continuousbackup_delayed) and
        V(database_continuousbackup_stale).
      - Maintenance events are V(plan_database_maintenance), V(start_database_maintenance), V(complete_database_maintenance) and
        V(database_maintenance_missed).
      - Any other event type of the platform is accepted, such as V(deployment).
      - V(database_maintenance_planned), V(database_maintenance_started) and V(database_maintenance_completed) are aliases of the
        maintenance events. So is V(miss_database_maintenance).
      - When fewer than O(limit) events match, all events since O(since) are read.
    type: list
    elements: str
  since:
    description:
      - Return only events at or after this time, such as V('2026-11-20T00:00:00Z').
      - It must include a UTC offset or V(Z). Quote it, so that YAML keeps it as a string.
      - Older events are not read.
    type: str
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_backup_info
  - module: community.scalingo.scalingo_maintenance_info
  - module: community.scalingo.scalingo_app_operation_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the failed backups of all apps since the beginning of the month
  community.scalingo.scalingo_event_info:
    region: osc-fr1
    types: [database_backup_failed]
    since: '2026-11-01T00:00:00+01:00'
    limit: 100
  register: failed

- name: Show the apps
  ansible.builtin.debug:
    msg: "{{ failed.events | map(attribute='app') | unique }}"

- name: List the failed backups since the beginning of the month
  community.scalingo.scalingo_event_info:
    app: shop
    types: [database_backup_failed, database_continuousbackup_stale]
    since: '2026-11-01T00:00:00+01:00'
  register: result

- name: Show their databases
  ansible.builtin.debug:
    msg: "{{ result.events | map(attribute='type_data.resource_id') | unique }}"

- name: List recent events
  community.scalingo.scalingo_event_info:
    app: shop
    limit: 10
  register: lately

- name: Show the events and their users
  ansible.builtin.debug:
    msg: "{{ item.created_at }} {{ item.type }} {{ item.user.username | default('the platform', true) }}"
  loop: "{{ lately.events }}"
"""

RETURN = r"""
events:
  description: The events, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the event.
      type: str
      sample: 54dcdd4a73636100011a0000
    type:
      description:
        - What happened. Maintenance is V(plan_database_maintenance), V(start_database_maintenance) and V(complete_database_maintenance), whichever
          names the platform uses.
      type: str
      sample: database_backup_failed
    created_at:
      description: When it happened, in UTC.
      type: str
      sample: '2026-11-20T01:04:31.000000Z'
    app:
      description: The name that the app had when it happened. V(none) for events of the account.
      type: str
      sample: shop
    app_id:
      description: The ID of the app, which the modules accept as O(app), too.
      type: str
      sample: 5343eccd646173000a140000
    user:
      description: The user who caused the event. V(none) when the platform or an addon caused it.
      type: dict
      contains:
        id:
          description: The ID of the user.
          type: str
          sample: us-0e6d8e46-5cd0-42a4-acba-372b2be605ac
        username:
          description: The name of the user.
          type: str
          sample: johndoe
        email:
          description: The email address of the user.
          type: str
          sample: john.doe@example.com
    type_data:
      description:
        - The details. The keys depend on the type. V(none) for events that are not about databases or addons.
        - For other database and addon types than those listed under O(types), all known keys. V(none) for what the platform does not
          return.
      type: dict
      contains:
        addon_uuid:
          description: The ID of the addon. Of features and backups.
          type: str
          sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
        addon_id:
          description: The ID of the addon. Of V(addon_updated).
          type: str
          sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
        resource_id:
          description: The resource ID that the dashboard shows. Of backups, and of addons except V(addon_updated).
          type: str
          sample: shop_4553
        addon_resource_id:
          description: The same. Of V(addon_updated).
          type: str
          sample: shop_4553
        addon_name:
          description: The display name of the provider. Two addons of a kind have the same. Of upgrades, backups and maintenance.
          type: str
          sample: PostgreSQL
        addon_provider_name:
          description: The name of the provider for people. Of addons and features.
          type: str
          sample: PostgreSQL
        addon_provider_id:
          description: The ID of the provider. Of V(addon_updated) and of features.
          type: str
          sample: postgresql
        plan_name:
          description: The plan. Of V(new_addon), V(delete_addon), V(suspend_addon) and V(resume_addon).
          type: str
          sample: postgresql-starter-512
        addon_plan_name:
          description: The plan. Of V(addon_updated).
          type: str
          sample: postgresql-starter-512
        old_plan_name:
          description: The plan before. Of V(upgrade_addon).
          type: str
          sample: postgresql-starter-512
        new_plan_name:
          description: The plan after. Of V(upgrade_addon).
          type: str
          sample: postgresql-starter-1024
        attributes_changed:
          description: What was changed. Of V(addon_updated).
          type: list
          elements: str
          sample: [status]
        status:
          description: Of V(addon_updated) a list, the status before and after. Of continuous backups a text, how they are.
          type: raw
          sample: [provisioning, running]
        reason:
          description: Why. Of V(suspend_addon).
          type: str
          sample: the trial is over
        old_version:
          description: The version before. Of V(upgrade_database).
          type: str
          sample: 16.8.0-1
        new_version:
          description: The version after. Of V(upgrade_database).
          type: str
          sample: 17.4.0-1
        feature:
          description: The feature. Of V(database/add_feature) and V(database/remove_feature).
          type: str
          sample: force-ssl
        backup_id:
          description: The ID of the backup. Of backups.
          type: str
          sample: 5c59a0a6f18b3202f7ab4e66
        backup_status:
          description: How it ended. Of backups.
          type: str
          sample: done
        backup_method:
          description: V(periodic) or V(manual). Of backups.
          type: str
          sample: periodic
        started_at:
          description: When it began, in UTC. Of backups.
          type: str
          sample: '2026-11-20T01:00:02.000000Z'
        ended_at:
          description: When it ended, in UTC. Of backups.
          type: str
          sample: '2026-11-20T01:04:31.000000Z'
        recoverable:
          description: Whether the database can be restored to a point in time. Of continuous backups.
          type: bool
          sample: true
        checked_at:
          description: When that was looked at, in UTC. Of continuous backups.
          type: str
          sample: '2026-11-20T12:00:00.000000Z'
        unrecoverable_duration_seconds:
          description: How far the latest point to restore to lies back, in seconds. Of continuous backups.
          type: int
          sample: 43200
        error:
          description: What is wrong, in the words of the platform. Of continuous backups.
          type: str
          sample: archiving is behind
        maintenance_id:
          description: The ID of the maintenance. Of maintenance.
          type: str
          sample: 64a440a6f18b3202f7ab4e66
        maintenance_type:
          description: The type of the maintenance. Of maintenance.
          type: str
          sample: instance-migration
        maintenance_window_in_hours:
          description: The length of the maintenance window, in hours. Of maintenance.
          type: int
          sample: 8
        next_maintenance_window:
          description: The next start of the maintenance window, in UTC. Of maintenance.
          type: str
          sample: '2026-11-25T21:00:00.000000Z'
# BEGIN _returns: written by make lists
app:
  description: The app as set in the task. V(none) when only O(addon_id) and O(addon_token) are set.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before the addon was found.
  returned: when the options are valid
  type: str
  sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
region:
  description: The region of the app.
  returned: when the options are valid
  type: str
  sample: osc-fr1
api_usage:
  description: What the task cost. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: when the options are valid
  type: dict
  sample: {requests: 1, writes: 0, waited_seconds: 0.0, tokens_reused: 1}
notes:
  description: Informational messages.
  returned: when there are any
  type: list
  elements: str
  sample: ['scalingo: addon_token is not used, because it goes with addon_id']
error:
  description: What went wrong, as data. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: failure
  type: dict
  sample:
    {kind: NotFound, interrupted: false, status: 404, message: not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
# END
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.event import EventInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec(
        {
            "limit": {"type": "int", "default": 20},
            "types": {"type": "list", "elements": "str"},
            "since": {"type": "str"},
        }
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()

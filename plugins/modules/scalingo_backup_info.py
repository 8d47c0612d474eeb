#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_backup_info
version_added: 0.1.0
short_description: List the backups of a database
description:
  - Returns the backups of a database, newest first. The options filter the list.
  - Costs one request to the Database API. It costs two with O(links=true).
options:
  backup_id:
    description: Return only the backup with this ID. The list is empty when it does not exist.
    type: str
  status:
    description: Return only backups with one of these statuses, such as V(done), V(running) or V(error).
    type: list
    elements: str
    default: []
  method:
    description: Return only backups created by this method.
    type: str
    choices: [any, manual, periodic]
    default: any
  since:
    description:
      - Return only backups started at or after this time, such as V('2026-11-21T03:00:00Z').
      - It must include a UTC offset or V(Z). Quote it, so that YAML keeps it as a string.
    type: str
  max_age:
    description:
      - Return only backups that are younger than this. Give seconds, or a duration such as V(90m), V(24h) or V(7d).
      - The age is measured with the platform's clock or the target host's, whichever is later.
      - A backup that began more than an hour in the future is never young. RV(notes) names it.
    type: str
  latest:
    description: Return only the newest matching backup that did not begin in the future.
    type: bool
    default: false
  links:
    description:
      - Whether to also return a download link for O(backup_id). Only a completed backup has one.
      - Anyone with the link can download the backup. It is normally valid for five minutes.
      - Needs O(dest) or C(no_log=true) on the task. Otherwise the task is refused before any request.
      - To download the backup, use M(community.scalingo.scalingo_backup_download).
      - Not available for Elasticsearch and OpenSearch.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.export
  - community.scalingo._options.secret_file
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_backup
  - module: community.scalingo.scalingo_backup_download
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Find the newest completed backup
  community.scalingo.scalingo_backup_info:
    app: shop
    addon: postgresql
    status: [done]
    latest: true
  register: result

- name: Show the start of the backup
  ansible.builtin.debug:
    msg: "{{ result.backups[0].started_at }}"
  when: result.backups | length > 0

- name: List the failed backups of the last week
  community.scalingo.scalingo_backup_info:
    app: shop
    addon: postgresql
    status: [error, cancelled]
    max_age: 7d

- name: Write a download link for a backup to a file
  community.scalingo.scalingo_backup_info:
    app: shop
    addon: postgresql
    backup_id: "{{ result.backups[0].id }}"
    links: true
    dest: "{{ secrets_directory }}/shop.link"
    overwrite: true
"""

RETURN = r"""
backups:
  description: The matching backups, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the backup.
      type: str
      sample: 5b8b36104ffb090be1ac3ce1
    name:
      description: The name of the backup, with the time in UTC and the resource ID.
      type: str
      sample: 20260902010000_shop_4553
    status:
      description:
        - V(done), V(error) or V(cancelled) after its end. Other values, such as V(scheduled) and V(running), mean that it has not ended.
      type: str
      sample: done
    method:
      description:
        - V(manual), or V(periodic) for a daily backup.
      type: str
      sample: manual
    created_at:
      description: When the backup was requested, in UTC.
      type: str
      sample: '2026-09-02T01:00:00.178000Z'
    started_at:
      description: When the backup started, in UTC. V(none) before that.
      type: str
      sample: '2026-09-02T01:00:03.501000Z'
    size:
      description: The size in bytes, when the backup is done.
      type: int
      sample: 17484513608
    database_id:
      description: The internal ID of the database, not the ID of the addon.
      type: str
      sample: 597601234ffb097af4f3099b
url:
  description: The download link. V(none) unless O(links=true), and with O(dest). Secret.
  returned: success
  type: str
  sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
# BEGIN _returns.secret_file, _returns: written by make lists
secret_file:
  description: The file that the secret was written to. V(none) without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, EXPORT, SECRET_FILE, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup import BackupInfo as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + SECRET_FILE
        + EXPORT
        + Spec(
            {
                "backup_id": {"type": "str"},
                "status": {"type": "list", "elements": "str", "default": []},
                "method": {"type": "str", "choices": ["any", "manual", "periodic"], "default": "any"},
                "since": {"type": "str"},
                "max_age": {"type": "str"},
                "latest": {"type": "bool", "default": False},
                "links": {"type": "bool", "default": False},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()

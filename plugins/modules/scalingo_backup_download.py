#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_backup_download
version_added: 0.1.0
short_description: Download a backup of a database
description:
  - Brings the archive of a backup to the host of the task, as a file that only its user can read. It is a C(tar.gz).
  - The file appears under its name when it is complete and on the disk, and never before. While it grows it is a hidden file beside the destination,
    C(.NAME.part), or in O(work_dir). Memory does not grow with it.
  - A download that breaks off goes on where it stopped, in the same task, and in the next one, for which the hidden file and a description of
    it stay where they are.
    It goes on only where the server gives a sign that the file is still the same, which is a strong C(ETag), or the same C(Last-Modified) and
    the same length.
    Otherwise it starts over, and nothing stays behind. Neither does anything when the disk is full.
  - Beside the file stands a description of it, C(NAME.json), with the backup, the size and the SHA-256. With it the next task knows that the
    file is there already, and downloads nothing. It is written last, so that it never describes a file that is not whole.
  - What is downloaded must have the size that the platform states for the backup, and begin as a C(gzip) file does. The platform may answer with
    an error text instead of the archive. The task then fails and shows that text. A file like that from earlier is replaced.
  - The platform does not serve the archives of Elasticsearch and OpenSearch. A task for one is refused.
  - The link that leads to the archive is a secret. It is asked for anew when it has expired, and is never shown.
  - A task that changes nothing costs one request to the Database API, or none at all when it names O(backup_id) and the file itself in O(dest),
    so that a copy stays good when the platform does not have the backup any more.
    A download costs one more request for the link, and one to where the link leads for each part. Without O(allow=export) it costs one to the
    main API where the platform has not told with the addon or its token whether the addon may hold data of health.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID)
    and for the addon's token.
options:
  backup_id:
    description:
      - The ID of the backup. Without it the newest one that is done is taken.
      - In check mode it may be the ID that M(community.scalingo.scalingo_backup) returns in check mode. No backup is listed then,
        as that one need not exist.
    type: str
  dest:
    description:
      - Where to put the archive. An absolute path of a file, or of a directory that exists. In a directory the file is named after the backup.
      - A file that is there already is replaced, unless it is this backup.
    type: path
    required: true
  work_dir:
    description:
      - A directory for the file while it grows, instead of that of O(dest). Use it where O(dest) is on a slow or remote file system.
      - When it is on another file system, the complete file is copied beside O(dest) and then renamed. Where the file system of O(dest)
        cannot rename, as with stores of objects, it is copied under its name. Such stores show a file when it is closed.
    type: path
  mode:
    description:
      - The permissions of the file, and of its description, in octal. Put it in quotes.
    type: raw
    default: '0600'
  verify:
    description:
      - Whether to read a file that is there already, and compare its SHA-256 with that of the download. One that differs is downloaded again.
      - Otherwise only the size is compared.
    type: bool
    default: false
  allow:
    description:
      - The consequences that you agree to. A task with a consequence that is not listed is refused before anything is downloaded.
      - V(export) is for data that leave the platform though they are protected there. These are the data of V(osc-secnum-fr1), which is qualified
        as SecNumCloud, and those of an addon that may hold data of health (HDS), as the platform says.
      - With O(addon_token) the platform cannot be asked about data of health, so only the region counts.
    type: list
    elements: str
    choices: [export]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
    details:
      - Without O(backup_id) there may be a newer backup by then.
notes:
  - The file is written on the host of the task. With C(delegate_to=localhost) that is the controller.
seealso:
  - module: community.scalingo.scalingo_backup
  - module: community.scalingo.scalingo_backup_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Keep the newest backup in a directory, under its own name
  community.scalingo.scalingo_backup_download:
    app: shop
    addon: postgresql
    dest: "{{ backup_directory }}"
  register: download

- name: Make a backup
  community.scalingo.scalingo_backup:
    app: shop
    addon: mysql
  register: made

- name: Fetch exactly that one, and read the file again if it is there already
  community.scalingo.scalingo_backup_download:
    app: shop
    addon: mysql
    backup_id: "{{ made.backup.id }}"
    dest: "{{ backup_directory }}/shop.tar.gz"
    mode: '0640'
    verify: true
"""

RETURN = r"""
file:
  description: The file.
  returned: success
  type: dict
  contains:
    path:
      description: Where it is. In a directory a backup that is not made yet has no name, so its ID stands there.
      type: str
      sample: /srv/backups/20260902010000_shop_4553.tar.gz
    size:
      description: Its size in bytes. In check mode none when it would be downloaded.
      type: int
      sample: 17484513608
    sha256:
      description: Its SHA-256. In check mode none when it would be downloaded.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    mode:
      description: Its permissions, in octal.
      type: str
      sample: '0600'
backup:
  description: The downloaded backup, as RV(community.scalingo.scalingo_backup_info#module:backups) describes it.
  returned: success
  type: dict
# BEGIN _returns.steps, _returns: written by make lists
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. Nothing of it is undone.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: enable the feature force-ssl
app:
  description: The app as the task names it. V(none) when the task gives O(addon_id) and O(addon_token) only.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before it was found.
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
  sample: {kind: NotFound, status: 404, message: app not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
# END
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup_download import (
    BackupDownload as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + consent("export")
        + Spec(
            {
                "backup_id": {"type": "str"},
                "dest": {"type": "path", "required": True},
                "work_dir": {"type": "path"},
                "mode": {"type": "raw", "default": "0600"},
                "verify": {"type": "bool", "default": False},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()

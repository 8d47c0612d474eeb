#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_backup_link
version_added: 0.1.0
short_description: Get a link to download a backup with
description:
  - Returns a link that leads to the archive of a backup. It dies after a while. The platform does not say when;
    a client of Scalingo's own speaks of five minutes.
  - Whoever has the link can read the backup, without a token. So the task needs O(dest) or C(no_log=true). Without either it is refused
    before anything is asked.
  - To have the backup as a file, use M(community.scalingo.scalingo_backup_download), which shows the link to nobody.
  - The platform does not serve the archives of Elasticsearch and OpenSearch. A task for one is refused.
  - Costs two requests to the Database API. Without O(allow=export) it costs one to the main API where the platform has not told with the addon or
    its token whether the addon may hold data of health.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID)
    and for the addon's token.
options:
  backup_id:
    description:
      - The ID of the backup. Without it the newest one that is done is taken.
      - In check mode it may be the ID that M(community.scalingo.scalingo_backup) returns in check mode. No backup is listed then,
        as that one need not exist.
    type: str
  allow:
    description:
      - The consequences that you agree to. A task with a consequence that is not listed is refused before anything is handed out.
      - V(export) is for data that leave the platform though they are protected there. These are the data of V(osc-secnum-fr1), which is qualified
        as SecNumCloud, and those of an addon that may hold data of health (HDS), as the platform says.
      - With O(addon_token) the platform cannot be asked about data of health, so only the region counts.
    type: list
    elements: str
    choices: [export]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.secret_file
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_backup_download
  - module: community.scalingo.scalingo_backup_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get a link to the newest backup
  community.scalingo.scalingo_backup_link:
    app: shop
    addon: postgresql
  register: backup
  no_log: true

- name: Write a link to the newest backup to a file
  community.scalingo.scalingo_backup_link:
    app: shop
    addon: postgresql
    dest: "{{ secrets_directory }}/shop.link"
    overwrite: true
"""

RETURN = r"""
link:
  description:
    - The link. It is a secret. None with O(dest). None in check mode for a backup that is not made yet.
  returned: success
  type: str
  sample: https://db-api.osc-fr1.scalingo.com/api/databases/ad-0f1ab3e1-e97d-4f33-9168-4956379731a4/backups/5b8b36104ffb090be1ac3ce1/download?token=token1234
backup_id:
  description: The ID of the backup that it leads to.
  returned: success
  type: str
  sample: 5b8b36104ffb090be1ac3ce1
# BEGIN _returns.secret_file, _returns: written by make lists
secret_file:
  description: The file that the links were written to. V(none) without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, SECRET_FILE, Spec, consent
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup import BackupLink as RESOURCE


def argument_spec() -> Spec:
    return COMMON + SECRET_FILE + consent("export") + Spec({"backup_id": {"type": "str"}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()

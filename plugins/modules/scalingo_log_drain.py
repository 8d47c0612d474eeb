#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_log_drain
version_added: 0.1.0
short_description: Manage the log drains of a database
description:
  - Sends the log lines of a database to a log management service, or stops sending them.
  - The lines can still be read on the platform.
  - The platform identifies a drain by a URL that it generates. The task recognizes a drain by host, port, token, region and URL.
  - When the listed URLs do not show whether the drain exists, the task fails before it changes anything. The error names the option to add.
  - Another token, host or port makes another drain. Remove the old drain with its old values.
  - A run without changes costs two requests to the main API, or one when O(addon) is the ID of an addon.
options:
  type:
    description:
      - The type of the service. It determines which of the options below are allowed.
      - V(datadog) takes O(token) and O(drain_region), V(ovh-graylog) O(token) and O(host), V(papertrail) O(host) and O(port).
      - V(syslog) takes O(host), O(port), and O(token) if the server asks for one.
      - V(elk) takes O(url), V(appsignal) O(token), V(betterstack) O(token) and O(host).
      - Other types are passed to the platform unchanged.
      - Required unless O(state=absent) and O(listed_url) are set.
    type: str
  host:
    description: The host of the service.
    type: str
  port:
    description: The port of the service.
    type: int
  token:
    description: The token or API key of the service.
    type: str
  drain_region:
    description: The region of the service, such as V(eu) for Datadog.
    type: str
  url:
    description: The URL of the service, including user and password.
    type: str
  listed_url:
    description:
      - The complete URL under which the platform lists the drain. The task then uses no other option to recognize it.
      - Needed only when the task fails because it cannot recognize the drain.
    type: str
  state:
    description: Whether the drain should exist. V(absent) stops sending log lines to the service.
    type: str
    choices: [present, absent]
    default: present
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(duplicate) accepts that the drain may already exist in a form that the task cannot recognize.
      - The service may then receive each line twice.
    type: list
    elements: str
    choices: [duplicate]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_log_drain_info
  - module: community.scalingo.scalingo_log_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Send the logs to a syslog server
  community.scalingo.scalingo_log_drain:
    app: shop
    addon: mysql
    type: syslog
    host: logs.example.com
    port: 6514
    token: "{{ syslog_token }}"

- name: Stop sending them to Datadog
  community.scalingo.scalingo_log_drain:
    app: shop
    addon: mysql
    type: datadog
    token: "{{ datadog_api_key }}"
    drain_region: eu
    state: absent
"""

RETURN = r"""
log_drain:
  description: The drain. V(none) when it is absent. In check mode, the fields of a drain that would be added are V(none).
  returned: success
  type: dict
  contains:
    app_id:
      description: The ID of the app.
      type: str
      sample: 5343eccd646173000a140000
    url:
      description: The URL under which the platform lists the drain, without credentials.
      type: str
      sample: 'syslog://********@logs.example.com:6514'
# BEGIN _returns.steps, _returns: written by make lists
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. It is not undone.
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent
from ansible_collections.community.scalingo.plugins.module_utils._resources.log_drain import LogDrain as RESOURCE


def argument_spec() -> Spec:
    options = {
        **dict.fromkeys(("type", "host", "drain_region"), {"type": "str"}),
        **dict.fromkeys(("token", "url", "listed_url"), {"type": "str", "no_log": True}),
        "port": {"type": "int"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    return COMMON + consent("duplicate") + Spec(options)


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()

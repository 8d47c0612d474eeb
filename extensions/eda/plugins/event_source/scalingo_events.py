# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source of Event-Driven Ansible: the events of Scalingo apps and their databases."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: scalingo_events
version_added: 0.1.0
short_description: Receive the events of Scalingo apps and their databases
description:
  - Polls the events of all apps of one or several regions, such as failed backups, upgrades, plan changes and maintenance.
  - Costs one request to the main API per region and poll, and one more per 50 events that happened since the last poll.
  - Each event is delivered at least once. Its C(id) is always the same, so that a rulebook can recognize a repeated event.
  - With O(cursor), no event is lost while the rulebook is not running. Without it, every start begins at O(since), or now.
  - Now is the first poll that succeeds. Clocks do not matter, but those of the platform.
  - The rule engine keeps events and actions that wait in memory only. After a restart, the events of the last O(replay) seconds are
    therefore delivered again.
  - Failures of the platform or of the network are logged, and tried again after 2, 4, 8 times O(interval), up to 10 minutes.
  - The source ends with an error when the API refuses the token or the request (401, 402, 403 and 404).
  - Tokens and the rate limit are shared with the tasks of the same user, as O(token_cache) says.
  - Events can contain secrets, such as environment variables. Only the fields that M(community.scalingo.scalingo_event_info) returns are
    delivered.
options:
  api_token:
    description:
      - An API token of a Scalingo account. It sees the events of the apps that the account owns or collaborates on.
      - The default is the environment variable E(SCALINGO_API_TOKEN).
    type: str
  regions:
    description:
      - The regions to poll.
      - The default is the environment variable E(SCALINGO_REGION), which can contain several, separated by commas, or V(osc-fr1).
    type: list
    elements: str
  apps:
    description:
      - Deliver only events of these apps, as names, IDs or shell patterns such as V(shop-*).
      - An event has the name that the app had at the time.
      - The default is all events, those of the account included.
    type: list
    elements: str
  types:
    description:
      - Deliver only events of these types, such as V(database_backup_failed).
      - They are listed at O(community.scalingo.scalingo_event_info#module:types).
    type: list
    elements: str
  interval:
    description: The time between two polls of a region, in seconds, from V(10) to V(86400).
    type: float
    default: 60
  cursor:
    description:
      - A file that keeps which events were processed, for this source alone. Its directory must exist and be writable.
      - It is created when it does not exist, and tested for writing before the first poll. Only the user can read it.
      - A damaged file is refused. A file in use by another source is refused.
      - By default, nothing is kept.
    type: path
  replay:
    description:
      - Events that the rule engine took less than so many seconds before the rulebook ended are delivered again after a restart, from V(0)
        to V(86400).
      - Use at least the time that the actions of the rulebook take. With V(0), an event counts as processed when the rule engine has
        taken it.
      - Only used with O(cursor).
    type: float
    default: 900
  since:
    description:
      - Where to begin in regions that O(cursor) does not know yet, such as V('2026-11-20T00:00:00Z').
      - It must include a UTC offset or V(Z).
      - By default, only events that happen after the start are delivered.
    type: str
  api_url:
    description:
      - The URL of the main API, for one region only. The default is the URL of the region.
      - It can also be set by E(SCALINGO_API_URL), which belongs to the region of E(SCALINGO_REGION).
    type: str
  auth_url:
    description: The URL of the authentication API. The default is E(SCALINGO_AUTH_URL), or the platform's.
    type: str
  api_timeout:
    description: Timeout of a connection and of each read, in seconds.
    type: float
    default: 30
  api_retries:
    description: How often a request is retried after no response or an unavailable service, before the poll counts as failed.
    type: int
    default: 5
  validate_certs:
    description: Whether to verify the TLS certificates of the API.
    type: bool
    default: true
  ca_path:
    description: A file or directory with trusted root certificates. The default is E(SCALINGO_CA_PATH), or the system's certificates.
    type: path
  token_cache:
    description: Whether to share short-lived tokens with other runs, in a directory that only the user can read.
    type: bool
    default: true
  requests_per_minute:
    description:
      - How many requests a minute all tasks of this user and API token may send, V(1) to V(60).
      - The default is E(SCALINGO_REQUESTS_PER_MINUTE), or no limit until the API reports its own.
    type: int
  max_in_flight:
    description: How many of these requests may be in flight at once, V(1) to V(20). The default is E(SCALINGO_MAX_IN_FLIGHT), or V(10).
    type: int
notes:
  - Null and blank options count as not set.
  - "An event is C(scalingo: {id, type, created_at, region, app, app_id, addon_id, resource_id, backup_id, backup_status, backup_method, feature, user,
    type_data}). A key without a value is left out, so C(event.scalingo.backup_id is defined) holds for backups only."
  - C(type), C(created_at), C(user), C(app), C(app_id) and C(type_data) are those of M(community.scalingo.scalingo_event_info).
  - Events of the account itself, such as C(login_success), have no C(app), and can be delivered once for each of several regions.
  - C(app) is the name at the time of the event. The modules take C(app_id) as O(community.scalingo.scalingo_event_info#module:app), too.
  - C(addon_id) and C(resource_id) are left out when the event does not contain them. Upgrades and maintenance name no addon, features no resource.
  - C(meta.uuid) is made from the region and the C(id).
  - To limit playbooks to the host that the inventory plugin C(community.scalingo.scalingo_databases) makes of a database, use the filter
    C(eda.builtin.insert_hosts_to_meta) with C(host_path=scalingo.resource_id).
requirements:
  - python >= 3.9
  - ansible-core >= 2.16 and requests >= 2.25.1, in the Python environment of ansible-rulebook
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Report failed backups
  hosts: localhost
  sources:
    - name: events
      community.scalingo.scalingo_events:
        regions: [osc-fr1, osc-secnum-fr1]
        apps: ["*-production"]
        types: [database_backup_failed, database_continuousbackup_stale]
        cursor: /var/lib/eda/scalingo-backups.json
  rules:
    - name: A backup failed
      condition: event.scalingo.type == "database_backup_failed"
      action:
        debug:
          msg: "{{ event.scalingo.app }}: backup {{ event.scalingo.backup_id }} of {{ event.scalingo.resource_id }} failed"
"""

import asyncio
import math
import os
import pathlib
import sys
import typing as t

# ansible-rulebook runs this file by its path, and has no collections to import from: this one is made known by where it is.
for _directory in pathlib.Path(__file__).absolute().parents:
    if _directory.name == "ansible_collections" and str(_directory.parent) not in sys.path:
        sys.path.append(str(_directory.parent))

try:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
    from ansible_collections.community.scalingo.plugins.module_utils import _canon
    from ansible_collections.community.scalingo.plugins.module_utils._api.event import type_of
    from ansible_collections.community.scalingo.plugins.module_utils._client import Client
    from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput, ScalingoError, scrub
    from ansible_collections.community.scalingo.plugins.module_utils._options import (
        CONNECTION,
        Spec,
        check_form,
        parsed,
        prepared,
        settle,
    )
    from ansible_collections.community.scalingo.plugins.module_utils._run import WatchfulClock
    from ansible_collections.community.scalingo.plugins.module_utils._settings import (
        DEFAULT_REGION,
        region_of_addresses,
        with_environment,
    )
    from ansible_collections.community.scalingo.plugins.plugin_utils._event_source import (
        LEAST_INTERVAL,
        LOGGER,
        Cursor,
        Follower,
        Stop,
        follow_all,
        is_wanted,
    )
except ImportError as error:
    raise ImportError(
        f"community.scalingo.scalingo_events needs ansible-core in the Python environment of ansible-rulebook: {error}"
    ) from None

DAY = 86400.0
#: What of the connection a source takes: it has regions, and asks nothing of databases.
OPTIONS = {
    name: option for name, option in CONNECTION.options.items() if name not in ("region", "db_api_url", "api_path")
}


def argument_spec() -> Spec:
    return Spec(OPTIONS) + Spec(
        {
            "regions": {"type": "list", "elements": "str"},
            "apps": {"type": "list", "elements": "str"},
            "types": {"type": "list", "elements": "str"},
            "interval": {"type": "float", "default": 60.0},
            "cursor": {"type": "path"},
            "replay": {"type": "float", "default": 900.0},
            "since": {"type": "str"},
        }
    )


def check(args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the arguments, checked and of their types. Raises `InvalidInput`; sends nothing."""
    spec = argument_spec()
    checked = ArgumentSpecValidator(**spec.kwargs()).validate(prepared(spec.options, args))
    if checked.error_messages:
        raise InvalidInput("; ".join(checked.error_messages), hint="See the documentation of the source.")
    params = settle(spec, checked.validated_parameters, args)
    for name, least in (("interval", LEAST_INTERVAL), ("replay", 0.0)):
        if not (math.isfinite(params[name]) and least <= params[name] <= DAY):
            raise InvalidInput(f"{name} is {params[name]:g}: use a number of seconds from {least:g} to {DAY:g}")
    for name in params["types"] or ():
        check_form("types", name, r"[a-z0-9_/-]+", "the name of a type of events: use for example upgrade_database")
    params["since"] = parsed(params, "since", _canon.instant) or ""
    return params


def connect(params: t.Mapping[str, t.Any], stop: Stop) -> list[Client]:
    """Return a client for each region. They share connections, tokens and pace. Raises `InvalidInput`; sends nothing."""

    def note(text: str) -> None:
        LOGGER.info("%s", scrub(text))

    options = {name: params[name] for name in OPTIONS}
    regions = [region.strip() for region in params["regions"] or ()]
    if not regions:
        found = with_environment({**options, "region": None}, os.environ, note)
        regions = str(found["region"] or region_of_addresses(found) or DEFAULT_REGION).split(",")
    regions = list(dict.fromkeys(region.strip() for region in regions))
    clients: list[Client] = []
    for region in regions:
        joined = with_environment({**options, "region": region}, os.environ, note)
        if len(regions) > 1 and joined["api_url"]:
            raise InvalidInput("api_url is the address of one region: give one region, or auth_url only")
        clients.append(
            Client.from_params(
                joined,
                verbose=note,
                secret=lambda dummy: None,
                clock=WatchfulClock(stop),
                target_needed=False,
                beside=clients[0] if clients else None,
                watcher=stop,
            )
        )
    return clients


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Put the events on the queue until the task is cancelled. Raises an error with a sentence when it cannot go on."""
    params = check(args)
    stop = Stop()
    clients = connect(params, stop)
    cursor = Cursor(params["cursor"])
    followers: list[Follower] = []
    try:
        cursor.open()
        wanted = is_wanted(params["apps"] or (), {type_of(name) for name in params["types"] or ()})
        replay = params["replay"] if params["cursor"] else 0.0
        followers += [
            Follower(client, cursor, params["since"], wanted, params["interval"], replay) for client in clients
        ]
        await follow_all(followers, queue)
    except ScalingoError as error:
        # ansible-rulebook prints where an error has been.
        raise error.with_traceback(None) from None
    finally:
        stop.set()
        cursor.close()
        for follower in followers:
            if not follower.is_polling:
                follower.client.close()

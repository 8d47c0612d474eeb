# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.

from __future__ import annotations


class ModuleDocFragment:
    # How the API is reached, and for which database
    DOCUMENTATION = r"""
options:
  _task_no_log:
    description: For internal use. Whether the task hides its result. It is always overwritten.
    type: bool
  api_token:
    description:
      - An API token of a Scalingo account that is owner or collaborator of the app. It begins with V(tk-us-).
      - Needed unless O(addon_id) and O(addon_token) are given.
      - If not given, the environment variable E(SCALINGO_API_TOKEN) is used.
    type: str
  region:
    description:
      - The region of the app, for example V(osc-fr1) or V(osc-secnum-fr1).
      - A region that the collection does not know is looked up at the platform. One that the platform does not know either
        is refused with the list of those that there are.
      - If not given, the environment variable E(SCALINGO_REGION) is used. Without it the region of O(api_url) or O(db_api_url)
        is used if these are addresses of the platform, and otherwise V(osc-fr1).
    type: str
  api_url:
    description:
      - The address of the main API, when it is not the one of the region.
      - An address that is known to belong to another region than O(region) is refused.
      - A bare host name is taken as C(https). Plain C(http) is accepted for this very machine only, as credentials would cross the network in clear.
      - If not given, the environment variable E(SCALINGO_API_URL) is used. It belongs to the region of the environment. A task that names
        another O(region) or another O(auth_url) does without it.
    type: str
  db_api_url:
    description:
      - The address of the Database API, when it is not the one of the region. The same rules hold as for O(api_url).
      - If not given, the environment variables E(SCALINGO_DB_API_URL) and E(SCALINGO_DB_URL) are used, in this order.
      - One address from the task and the other from the environment are refused, unless the task names the region too.
    type: str
  auth_url:
    description:
      - The address of the authentication API, when it is not the platform's own.
      - With another address than the platform's own, that server is also asked for the addresses of the region that are not given.
      - If not given, the environment variable E(SCALINGO_AUTH_URL) is used.
    type: str
  api_timeout:
    description: How long to wait for a connection and for each piece of an answer, in seconds.
    type: float
    default: 30
  api_retries:
    description:
      - How often a request is sent again that got no answer, or one that says that the service is unavailable, with growing
        pauses between. V(0) never sends again.
      - Requests that must not happen twice are sent again only when no connection was made.
      - Waiting for the rate limit of the API (60 requests a minute) is not counted here. It ends after ten minutes.
    type: int
    default: 5
  validate_certs:
    description: Whether to verify the TLS certificates of the API. Turn it off for tests only.
    type: bool
    default: true
  ca_path:
    description:
      - A file or directory with the certificates of the authorities to trust, instead of those of the system.
      - A directory must hold them under their hashes, as C(openssl rehash) names them. One without certificates is refused.
      - If not given, the environment variable E(SCALINGO_CA_PATH) is used.
      - Either wins over the variables of the HTTP library, such as E(REQUESTS_CA_BUNDLE).
    type: path
  token_cache:
    description:
      - Whether to share short-lived tokens between tasks and forks in a directory that only the user of the task can read,
        below E(XDG_RUNTIME_DIR) or the user's cache directory. Root uses no directory of another user, whatever the environment names.
      - It holds tokens that expire within the hour, never the API token. Where there is no such directory, tokens are kept in memory only.
    type: bool
    default: true
  requests_per_minute:
    description:
      - How many requests a minute all tasks of this user on this machine may send with the same API token, from V(1) to V(60).
        They are spread evenly. Use it to leave room for others, as the API accepts 60 requests a minute for each account.
      - When it is left out, nothing is slowed before the API says that its limit is reached.
      - If not given, the environment variable E(SCALINGO_REQUESTS_PER_MINUTE) is used.
    type: int
  max_in_flight:
    description:
      - How many requests these tasks may have on their way at once, from V(1) to V(20).
        The platform answers some of about twenty at once with an error.
      - When it is left out, it is V(10). A task with O(token_cache=false) then counts only its own.
      - If not given, the environment variable E(SCALINGO_MAX_IN_FLIGHT) is used.
    type: int
  app:
    description:
      - The name or the ID of the app that the database belongs to. For a database with dedicated resources, the name of the database.
      - Needed unless O(addon_id) and O(addon_token) are given.
      - If not given, the environment variable E(SCALINGO_APP) is used.
    type: str
  addon:
    description:
      - Which database of the app. Either the ID of the addon, such as V(ad-0f1ab3e1-e97d-4f33-9168-4956379731a4), which costs the fewest requests,
        or the ID of its provider, such as V(postgresql), V(mysql), V(mongodb), V(redis), V(influxdb), V(elasticsearch), V(opensearch) or V(postgresql-ng).
      - A provider that the app has more than once is refused, and the message lists the addons.
      - If not given, the environment variable E(SCALINGO_ADDON) is used.
    type: str
  addon_id:
    description:
      - The ID of the addon, for tasks that hold no API token. Needs O(addon_token).
      - With O(app) and an API token instead, it means the same as O(addon).
    type: str
  addon_token:
    description:
      - A token for this one addon, which expires one hour after it was made. With it, nothing but the Database API is asked.
      - Needs O(addon_id). It is not renewed.
      - If not given, the environment variable E(SCALINGO_ADDON_TOKEN) is used, provided that O(addon_id) is given.
    type: str
requirements:
  - requests
notes:
  - An option that is null or blank counts as not given. Passwords and what limits a task are refused instead,
    and so is a null or blank entry of a list.
  - What a task or C(module_defaults) give wins over environment variables.
  - Modules run on the host that the task addresses. For an API this is usually the controller, so use C(connection=local),
    C(delegate_to=localhost), or an inventory host with a local connection.
  - With C(become) a module runs in the environment of the other user, without the variables that are set for Ansible. Use C(become=false).
seealso:
  - name: Scalingo Database API
    description: The API that this collection uses.
    link: https://developers.scalingo.com/databases/
"""

    # A module that waits for the platform; wait_timeout has a default of its own in each
    WAIT = r"""
options:
  wait:
    description: Whether to wait until the platform has finished what the task asked for. When V(false), the task returns as soon as it is accepted.
    type: bool
    default: true
"""

    # How a module waits
    PATIENCE = r"""
options:
  wait_interval:
    description: How long to wait between two looks, in seconds, at first. It grows to six times as much. At least V(0.1).
    type: float
    default: 5
  on_busy:
    description:
      - What to do when another operation is running on the database. It takes one at a time.
      - V(wait) waits for its end, up to O(wait_timeout). V(fail) fails before anything is changed.
      - A database that is stopped fails the task at once. Resume its addon with M(community.scalingo.scalingo_addon).
    type: str
    choices: [wait, fail]
    default: wait
"""

    # A secret that goes to a file instead of the result
    SECRET_FILE = r"""
options:
  dest:
    description:
      - A file to write the secret to, on the machine that runs the task. The result then holds no secret, and the task needs no C(no_log=true).
      - Only the owner can read it. It is written whole or not at all. In check mode it is not written.
      - An absolute path in a directory that exists. A file that exists is refused unless O(overwrite=true).
      - The file alone never makes the task changed.
    type: path
  overwrite:
    description: Whether O(dest) may take the place of a file that exists.
    type: bool
    default: false
"""

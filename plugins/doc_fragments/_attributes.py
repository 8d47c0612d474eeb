# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.

from __future__ import annotations


class ModuleDocFragment:
    # The group of all modules, for module_defaults
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.scalingo.scalingo) in C(module_defaults) to set the options that all modules share.
    support: full
    membership:
      - community.scalingo.scalingo
"""

    # A module that changes something
    CHANGES = r"""
options: {}
notes:
  - Unless the description states another cost, a run without changes costs one request to the Database API.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change without changing it. Check mode sends no writes.
    support: full
  diff_mode:
    description: Returns what has changed, or would change in check mode, when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
"""

    # A module that only reads
    READS = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change without changing it. Check mode sends no writes.
    support: full
    details:
      - This module does not change anything.
  diff_mode:
    description: Returns what has changed, or would change in check mode, when in diff mode.
    support: N/A
    details:
      - This module does not change anything.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
    details:
      - This module does not change anything.
"""

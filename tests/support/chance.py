# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How hypothesis draws: the same on every machine and in every run, however slow, unless a seed says otherwise."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

SAME_EVERYWHERE = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def drawing(number: int, seeded: bool) -> settings:
    """So many examples; `seeded` means those of the seed that the test has, and not the same ones everywhere."""
    return settings(SAME_EVERYWHERE, max_examples=number, derandomize=not seeded, phases=[Phase.generate, Phase.shrink])

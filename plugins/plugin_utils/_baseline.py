# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""A declared database: which module looks after which part of the declaration, and what came of all of them."""

from __future__ import annotations

import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._core import moment
from ansible_collections.community.scalingo.plugins.plugin_utils import _action

Given = t.Mapping[str, t.Any]
Result = dict[str, t.Any]
TAG = "database_baseline_"


class Kind(t.NamedTuple):
    """A kind of resource. `options` are those of its module, by the keys of the declaration; where there are none, the key holds all of them."""

    name: str
    action: type[_action.ScalingoAction]
    options: t.Mapping[str, str]

    @property
    def keys(self) -> t.Iterable[str]:
        return self.options or (self.name,)

    def arguments(self, given: Given) -> Result:
        """The arguments of the module for a role that was given this, beside the target."""
        known = self.action.module.argument_spec().options
        arguments = {name: given[name] for name in ("wait_timeout", "wait_interval") if name in known}
        if "allow" in known:
            arguments["allow"] = [word for word in given["allow"] if word in known["allow"]["choices"]]
        return {**arguments, **self.declared(given["wanted"])}

    def declared(self, wanted: Given) -> Result:
        """The options of the module that the declaration is about."""
        if self.options:
            return {option: wanted[key] for key, option in self.options.items() if key in wanted and option}
        return dict(wanted[self.name])


#: In the order in which they are applied: what the rest stands on comes first, and who may come in comes last.
KINDS = (
    Kind("plan", _action.of("scalingo_addon"), {"plan": "plan"}),
    Kind(
        "settings",
        _action.of("scalingo_database"),
        {
            name: name
            for name in (
                "periodic_backups_enabled",
                "periodic_backups_scheduled_at",
                "maintenance_window",
                "features",
            )
        },
    ),
    Kind("logical_databases", _action.of("scalingo_logical_db"), {}),
    Kind("sql_modes", _action.of("scalingo_sql_mode"), {"sql_modes": "modes"}),
    Kind("retention_policies", _action.of("scalingo_retention_policy"), {"retention_policies": "policies"}),
    Kind("extensions", _action.of("scalingo_pg_extension"), {}),
    # It can be on alone, so that its key says all.
    Kind("pg_stat_statements", _action.of("scalingo_pg_stat_statements"), {"pg_stat_statements": ""}),
    Kind("users", _action.of("scalingo_database_user"), {"users": "users"}),
    Kind("firewall_rules", _action.of("scalingo_firewall_rule"), {}),
)


def chosen(wanted: Given, tags: t.Collection[str], skipped: t.Collection[str], own: t.Collection[str]) -> list[Kind]:
    """The declared kinds that the tags of the run are about. `own` are the tags that the user gave the role."""
    declared = [kind for kind in KINDS if any(key in wanted for key in kind.keys)]
    everything = {"all", "tagged", *own} & set(tags)
    return [kind for kind in declared if (everything or TAG + kind.name in tags) and TAG + kind.name not in skipped]


class Applied:
    """What came of the kinds of one database."""

    def __init__(self, label: str, given: Given, consent: Given) -> None:
        self._label = label
        self._given = given
        self._consent = consent
        self._began = moment()
        self._results: list[Result] = []
        self.failures: list[Result] = []

    @property
    def ended(self) -> bool:
        """Whether the following kinds are left alone."""
        return self.only_asks and {failure["error"] for failure in self.failures} != {"ConsentMissing"}

    @property
    def only_asks(self) -> bool:
        """Whether the following kinds are asked for the consents that they need, and nothing else: a refusal has changed nothing."""
        return bool(self.failures) and self._given["on_failure"] != "continue"

    def add(self, kind: Kind, result: Result) -> None:
        error = result.get("error") or {}
        refused = error.get("kind") == "ConsentMissing"
        if self.only_asks and not refused:
            return
        common = {
            "kind": kind.name,
            **{side: (result.get("diff") or {}).get(side) for side in ("before", "after")},
            **{name: result.get(name) for name in ("app", "addon_id", "region")},
        }
        if not result.get("failed"):
            self._results.append({**common, "changed": result["changed"], "steps": result["steps"]})
            return
        message = str(result.get("msg") or "the module failed")
        if refused:
            message = message.replace("allow: [", self._consent["option"] + ": [")
            message = message.replace(" to the task", " to " + self._consent["place"])
        self.refuse(
            message,
            **common,
            error=error.get("kind"),
            steps_done=result.get("steps_done", []),
            interrupted=error.get("interrupted", False),
        )

    def refuse(self, message: str, **more: t.Any) -> None:
        failure: Result = {"kind": "all", "error": None, "addon_id": None, "steps_done": [], "interrupted": False}
        self.failures.append({**failure, **more, "message": message})

    def summary(self, check_mode: bool) -> Result:
        """The result of the task."""
        changed = [result for result in self._results if result["changed"]]
        found = next((item for item in [*self._results, *self.failures] if item["addon_id"]), {})
        target = {name: found.get(name) or self._given[name] for name in ("app", "addon_id", "region")}
        outcome = "would_change" if changed and check_mode else "changed" if changed else "unchanged"
        next_steps = []
        if self.failures:
            outcome = "interrupted" if all(failure["interrupted"] for failure in self.failures) else "failed"
            what = "Run it again later" if outcome == "interrupted" else "Correct what is named, and run it again"
            next_steps = [what + ": what was done stays done, and nothing is done twice."]
        return {
            "changed": bool(changed) or any(failure["steps_done"] for failure in self.failures),
            "database": {"name": self._label, **target, "addon": self._given["addon"], "engine": None},
            "outcome": outcome,
            "steps": [step for item in self._results for step in item["steps"]]
            + [step for failure in self.failures for step in failure["steps_done"]],
            "findings": [failure["message"] for failure in self.failures],
            "next_steps": next_steps,
            "differences": changed,
            "failures": self.failures,
            "started_at": self._began,
            "ended_at": moment(),
        }

    def message(self, summary: Result) -> str:
        """What a person reads at the end."""
        if not self.failures:
            verdicts = {
                "changed": "is now as declared",
                "would_change": "is not as declared: check mode changed nothing",
            }
            return f"{self._label} {verdicts.get(summary['outcome'], 'is as declared')}."
        why = ", as that was interrupted" if summary["outcome"] == "interrupted" else ""
        lines = [f"- {failure['kind']}: {failure['message']}" for failure in self.failures]
        return "\n".join([f"{self._label} could not be kept as declared{why}:", *lines, *summary["next_steps"]])

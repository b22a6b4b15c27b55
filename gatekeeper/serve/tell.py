"""What an operator is told of the settings in force, in one line or two."""

from dataclasses import replace

from gatekeeper.assembly import in_order, own_logger, waits_for_restart
from gatekeeper.audit.event import printable
from gatekeeper.errors import GatekeeperError
from gatekeeper.policy.document import FILE, Mode, Policy
from gatekeeper.policy.schema import PolicyError
from gatekeeper.serve.launch import Launch
from gatekeeper.settings import Settings

_NOT_ENFORCED = {
    Mode.REPORT_ONLY: "report-only says what would be blocked, and every cookie passes.",
    Mode.OFF: "in mode off no cookie is looked at, and every cookie passes.",
    Mode.ENFORCE: None,
}
_SHOWN = 5  # names of sites


def describe(settings: Settings) -> str:
    """Mode, rules and where they come from, and how many sites there are, in one line."""
    policy = settings.policy
    file = settings.source or "shipped defaults"
    own = sum(rule.source == FILE for rule in policy.rules)
    count = len(policy.rules)
    presets = f"the preset{'s' if len(policy.presets) > 1 else ''} {', '.join(policy.presets)}"
    if own and policy.presets:
        source = f"{own} of {file}, {count - own} of {presets}"
    else:
        source = f"{file}: {presets}" if policy.presets else file
    rules = f"{count} rule{'s' if count != 1 else ''}" if count else "no rules"
    sites = f", {counted_sites(settings)}" if policy.sites else ""
    return f"mode {policy.enforcement.mode.value}, {rules} ({source}){sites}"


def counted_sites(settings: Settings) -> str:
    """How many sites there are, in words."""
    count = len(settings.policy.sites)
    return f"{count} site{'s' if count != 1 else ''}"


def in_front_of(settings: Settings) -> str:
    """The app behind the gate; with sites, that for all other hosts, if there is one."""
    return settings.upstream.url if settings.serves_others else counted_sites(settings)


def not_enforced(policy: Policy) -> str | None:
    """The warning that nothing is blocked by this policy, where that is so."""
    what = _NOT_ENFORCED[policy.enforcement.mode]
    return what and f"Nothing is enforced: {what}"


def not_enforced_anywhere(settings: Settings) -> tuple[str, ...]:
    """The same for the policies of all hosts: one line where all are alike, otherwise one for each mode."""
    named = [(site.name, site.policy.enforcement.mode) for site in settings.policy.sites]
    if settings.serves_others:
        named.insert(0, ("hosts that are no site's" if named else "", settings.policy.enforcement.mode))
    lines = []
    for mode, what in _NOT_ENFORCED.items():
        names = [name for name, its_mode in named if its_mode is mode]
        if what and names:
            where = "" if len(names) == len(named) else f" for {_listed(names)}"
            lines.append(f"Nothing is enforced{where}: {what}")
    return tuple(lines)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def tell_reload(started: Settings, now: Settings) -> None:
    own_logger().info("reloaded: %s", describe(now))
    for warning in not_enforced_anywhere(now):
        own_logger().warning("%s", printable(warning, 2000))
    if started.server.certificate and now.server.certificate:
        # What stands in the files, wherever they are now, is shown already.
        server = replace(started.server, certificate=now.server.certificate, key=now.server.key)
        started = replace(started, server=server)
    for part in waits_for_restart(started, now):
        own_logger().warning("%s has changed: that takes effect with a restart", part)


def tell_refusal(launch: Launch, fault: Exception) -> None:
    if isinstance(fault, PolicyError):
        placed = in_order(fault.problems, launch.read)
        reasons = [f"line {line}: {problem}" if line else str(problem) for line, problem in placed]
    else:
        reasons = [str(fault) if isinstance(fault, GatekeeperError | OSError) else type(fault).__name__]
    shown = [f"    {printable(reason, 2000)}" for reason in reasons]
    own_logger().error("%s is refused, the old rules stay:\n%s", printable(launch.name, 1000), "\n".join(shown))

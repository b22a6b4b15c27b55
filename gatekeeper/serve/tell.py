"""What an operator is told of the settings in force, in one line or two."""

from dataclasses import replace

from gatekeeper.assembly import in_order, own_logger, waits_for_restart
from gatekeeper.audit.event import printable
from gatekeeper.errors import GatekeeperError
from gatekeeper.policy.document import FILE, Mode
from gatekeeper.policy.schema import PolicyError
from gatekeeper.serve.launch import Launch
from gatekeeper.settings import Settings


def describe(settings: Settings) -> str:
    """Mode, rules and where they come from, in one line."""
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
    return f"mode {policy.enforcement.mode.value}, {rules} ({source})"


def not_enforced(settings: Settings) -> str | None:
    """The warning that nothing is blocked, where that is so."""
    return {
        Mode.REPORT_ONLY: "Nothing is enforced: report-only says what would be blocked, and every cookie passes.",
        Mode.OFF: "Nothing is enforced: in mode off no cookie is looked at, and every cookie passes.",
        Mode.ENFORCE: None,
    }[settings.policy.enforcement.mode]


def tell_reload(started: Settings, now: Settings) -> None:
    own_logger().info("reloaded: %s", describe(now))
    if warning := not_enforced(now):
        own_logger().warning("%s", warning)
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

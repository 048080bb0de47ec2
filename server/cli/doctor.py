"""`vitrine doctor`: looks at everything that a running shop needs, and says what to do about what is wrong."""

from collections.abc import Iterable

import click
import orjson

from server.cli.checks import examine
from server.cli.patient import Finding, Patient, Status
from server.errors import SettingError
from server.settings import load_settings

COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red", Status.SKIPPED: "bright_black"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check settings, database, model, pictures and disk. Exit status 1 where something has to be mended."""
    findings = []
    for finding in diagnose():
        findings.append(finding)
        if not as_json:
            _print_line(finding)
    healthy = all(finding.status is not Status.FAILED for finding in findings)
    if as_json:
        click.echo(orjson.dumps({"healthy": healthy, "checks": findings}, option=orjson.OPT_INDENT_2).decode())
    ctx.exit(0 if healthy else 1)


def diagnose() -> Iterable[Finding]:
    """All findings, one after the other. Settings that are not valid end it at once: the rest depends on them."""
    try:
        settings = load_settings()
    except SettingError as exc:
        yield Finding("settings", Status.FAILED, exc.message)
        return
    yield Finding("settings", Status.OK, "All are valid.")
    patient = Patient(settings)
    try:
        yield from examine(patient)
    finally:
        patient.close()


def _print_line(finding: Finding) -> None:
    mark = click.style(f"{finding.status:<8}", fg=COLOURS[finding.status])
    click.echo(f"{mark} {finding.check:<18} {finding.message}")

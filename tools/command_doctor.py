"""The command line of `gemmini doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Tell which compilers, packages and runners are installed, and what needs the missing ones.

    Fails only if something is missing that gemmini run needs without further options.
    """
    from gemmini_xdsl.tools.doctor import examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = "ok     " if finding.found else "missing"
            typer.echo(f"{mark}  {finding.name}: {finding.detail}")
            if not finding.found and finding.needed_for:
                typer.echo(f"         needed for: {finding.needed_for}")
    return 1 if any(item.required and not item.found for item in findings) else 0

"""A request about consent: what is made by it is held to a yes, as everything else is."""

from __future__ import annotations

from flows.desk.kinds import CustomerAttribute
from flows.desk.request import ChangeRequest
from flows.desk.scaffold.data_test import add
from flows.desk.scaffold.project import Project
from flows.desk.scaffold.templates import filled


def write(request: ChangeRequest, project: Project) -> None:
    """Write the tests of consent of what is asked for."""
    if request.attribute is not None:
        _of_attribute(request, request.attribute, project)
    for kind in ("columns", "activity", "purchases"):
        if getattr(request, kind) is not None:
            project.leave(
                f"{request.id}, {kind}",
                "which consent it may be used under: the tests nobody_is_contactable_… hold every "
                "build to a yes for the channel, and know nothing of this",
            )


def _of_attribute(request: ChangeRequest, asked: CustomerAttribute, project: Project) -> None:
    if asked.data_type != "boolean":
        project.leave(
            f"models, {asked.name}",
            "it is about consent and not a yes or no: which campaigns may read it, and for whom",
        )
        return
    name = f"{asked.name}_needs_a_yes"
    sql = filled("no_attribute_without_a_yes.sql", attribute=asked.name, request=request.id)
    says = f"Nobody is {asked.name} without a yes to marketing ({request.id})."
    add(project, name, sql, says)

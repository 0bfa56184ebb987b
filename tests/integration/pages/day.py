"""Reads the lines of a day."""

from tests.integration.pages.reading import Page


def summaries(page: Page) -> dict[str, str]:
    """Return what each job's line says in numbers."""
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id", "").startswith("day-")]
    return {job_id: page.row(job_id)[-1] for job_id in (each.removeprefix("day-") for each in ids)}

"""The tables of docs/metrics.md: every metric's facts, and what each perturbation does to it.

`python -m benchmark.studies.metric_page` writes them into the page.
"""

from collections.abc import Mapping

from benchmark.metrics import METRICS
from benchmark.metrics.perturb import example_case, perturbation_table
from benchmark.tables import Markup, markdown, write_text

#: The columns of the short table.
SHORT = (
    *("segment_drift", "fdr_path_centre", "fdr_path_3pt", "fdr_net_centre", "adr_path_centre"),
    *("segment_rotation", "gpe", "gpe_score"),
    *("lpe", "lpe_score", "ate_anchored", "ate_se3", "ate_sim3", "rpe_translation_10mm"),
    *("rotation_geodesic", "corr_moglo", "corr_pearson", "motion_correlation"),
    *("elevational_signed", "elevational_sign_free", "overlap_dice"),
)
ROUNDING = 1e-4  # smaller values are what arithmetic leaves of zero

Table = Mapping[str, Mapping[str, float | None]]


def _cell(value: float | None) -> float | str:
    if value is None:
        return "–"
    return 0.0 if abs(value) < ROUNDING else value


def _code(identifier: str) -> Markup:
    return Markup(f"`{identifier}`")


def short_markdown(table: Table) -> str:
    """Return the table with one row per perturbation and the columns of `SHORT`."""
    rows = [
        {"name": name, **{metric: _cell(row[metric]) for metric in SHORT}}
        for name, row in table.items()
    ]
    titles = {"name": "perturbed ground truth", **{metric: _code(metric) for metric in SHORT}}
    return markdown(rows, titles)


def full_markdown(table: Table) -> str:
    """Return the table with one row per metric and one column per perturbation."""
    rows = [
        {"metric": _code(metric), **{name: _cell(row[metric]) for name, row in table.items()}}
        for metric in METRICS
    ]
    return markdown(rows)


def ids_markdown() -> str:
    """Return the table of all ids with unit, better side, definition and source."""
    return markdown(
        [
            {
                "id": _code(metric.id),
                "unit": metric.unit or "1",
                "better": metric.better or "–",
                "definition": Markup(metric.definition),
                "source": Markup(metric.source),
            }
            for metric in METRICS.values()
        ]
    )


def page_with_tables(page: str, tables: Mapping[str, str]) -> str:
    """Return a Markdown page with each table X between `<!-- begin X -->` and `<!-- end X -->`.

    Raises
    ------
    ValueError : the page lacks a marker.
    """
    for name, text in tables.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        head, found, rest = page.partition(begin)
        _, found_end, tail = rest.partition(end)
        if not (found and found_end):
            raise ValueError(f"page: expected '{begin}' and '{end}'")
        page = f"{head}{begin}\n\n{text}\n{end}{tail}"
    return page


def main() -> None:
    """Write the tables into a page of the documentation."""
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(description="Write what each metric sees into docs/metrics.md")
    parser.add_argument("--page", type=Path, default=Path("docs/metrics.md"))
    page = parser.parse_args().page
    table = perturbation_table(example_case(), list(METRICS))
    tables = {
        "ids": ids_markdown(),
        "perturbations": short_markdown(table),
        "all perturbations": full_markdown(table),
    }
    write_text(page, page_with_tables(page.read_text(encoding="utf-8"), tables))
    print(page)


if __name__ == "__main__":
    main()

"""The results as the Markdown tables of docs/layout.md."""

from typing import Any

Answers = dict[str, Any]


def tables(results: dict[str, Answers]) -> str:
    """Returns one table a question; `results` is what `--json` prints."""
    limits = results.get("limits", {})
    layouts = {name: answers for name, answers in results.items() if name != "limits"}
    parts = [_built(layouts), _search(layouts, "search", "(a) Filtered search on fresh tables: recall@10 / p50 ms")]
    if any("rounds" in answers for answers in layouts.values()):
        parts += [
            _feed(layouts),
            _search(layouts, "search_before_vacuum", "(b) Search after the feed, before VACUUM"),
            _search(layouts, "search_after_vacuum", "(b) Search after VACUUM"),
        ]
    if any("second_model" in answers for answers in layouts.values()):
        parts.append(_second(layouts))
    parts.append(
        _table("(c) Largest halfvec that fits a page", ["where", "dimensions"], [[k, v] for k, v in limits.items()])
    )
    parts.append(_analyst(layouts))
    return "\n\n".join(parts)


def _table(title: str, head: list[str], rows: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return f"### {title}\n\n" + "\n".join(lines)


def _built(layouts: dict[str, Answers]) -> str:
    rows = [
        [name, a["says"], *(f"{a['built'][key]:.0f}" for key in ("load_s", "hnsw_s", "heap", "toast", "btree", "hnsw"))]
        for name, a in layouts.items()
    ]
    return _table(
        "Building", ["", "layout", "load and btrees s", "HNSW s", "heap MB", "TOAST MB", "btree MB", "HNSW MB"], rows
    )


def _search(layouts: dict[str, Answers], key: str, title: str) -> str:
    rows = []
    for name, answers in layouts.items():
        found = answers.get(key, [])
        for path in ("exact", "hnsw"):
            rows.append([f"{name} {path}", *(f"{one[path]['recall']:.2f} / {one[path]['p50']:.1f}" for one in found)])
    return _table(title, ["", "50%", "10%", "1%", "0.1%"], rows)


def _feed(layouts: dict[str, Answers]) -> str:
    head = [
        "",
        "rounds",
        "first / median / slowest s",
        "ms a row",
        "HOT, first to last",
        "HNSW MB",
        "heap MB",
        "btree MB",
        "VACUUM s",
    ]
    rows = []
    for name, answers in layouts.items():
        done = answers.get("rounds", [])
        if not done:
            continue
        count = max(one["rows"] for one in done)
        whole = sorted(one["s"] for one in done if one["rows"] == count)
        changed = sum(one["rows"] for one in done)
        hot = [one["hot_share"] for one in done if one["hot_share"] is not None]
        rows.append(
            [
                name,
                f"{changed / count:.1f}",
                f"{done[0]['s']:.0f} / {whole[len(whole) // 2]:.0f} / {whole[-1]:.0f}",
                f"{1e3 * sum(one['s'] for one in done) / changed:.2f}",
                f"{hot[0]:.0%} to {hot[-1]:.0%}" if hot else "-",
                *(f"{answers['built'][key]:.0f} to {done[-1][key]:.0f}" for key in ("hnsw", "heap", "btree")),
                f"{answers['vacuum']['s']:.0f}" if "vacuum" in answers else "-",
            ]
        )
    return _table("(b) Price and stock of every row, committed by 1,000", head, rows)


def _second(layouts: dict[str, Answers]) -> str:
    rows = []
    for name, answers in layouts.items():
        one = answers.get("second_model")
        if one:
            rows.append(
                [
                    name,
                    f"{one['fill_s']:.0f}",
                    f"{one['build_s']:.0f}",
                    f"{one['lock_ms']:.1f}",
                    f"{one['heap_mb'][0]:.0f} to {one['heap_mb'][1]:.0f}",
                    f"{one['old_hnsw_mb'][0]:.0f} to {one['old_hnsw_mb'][1]:.0f}",
                ]
            )
    head = ["", "fill s", "index concurrently s", "lock ms", "heap MB (old tables)", "old HNSW MB"]
    return _table("(c) A second model of 384 dimensions beside the first", head, rows)


def _analyst(layouts: dict[str, Answers]) -> str:
    rows = [
        [name, *("HNSW" if used else "btree" for used in answers["analyst"]["hnsw"].values())]
        for name, answers in layouts.items()
    ]
    return _table("(d) The planner's own choice for the analyst's statement", ["", "50%", "10%", "1%", "0.1%"], rows)

from __future__ import annotations

import pytest

from tests.bench.cost import costs
from tests.bench.printing import cells, markdown, shown
from tests.bench.results import Sample, as_json, tables
from tests.bench.scaling import modelled
from tests.bench.topic_to_topic import PART, RATE


def sample(contestant: str, rate: float, number: int = 0, *, baseline: bool = False) -> Sample:
    return Sample(
        part=PART,
        subject="url",
        contestant=contestant,
        round=number,
        values={RATE: rate, "worker CPU µs/event": 30.0, "node CPU µs/event": 10.0},
        baseline=baseline,
    )


def test_rows_are_medians_of_the_rounds_and_ratios_are_between_medians() -> None:
    rounds = [(10, 90), (12, 40), (20, 60)]
    (table,) = tables(
        one
        for number, (theirs, ours) in enumerate(rounds)
        for one in (sample("peer", theirs, number, baseline=True), sample("ours", ours, number))
    )
    assert table.baseline == "peer"
    peer, ours = table.rows
    assert (peer.medians[RATE], ours.medians[RATE], ours.rounds) == (12, 60, 3)
    assert (ours.least[RATE], ours.greatest[RATE]) == (40, 90)
    assert (peer.ratio, ours.ratio) == (1.0, 5.0)


def test_matters_have_tables_of_their_own_and_without_a_baseline_no_ratio() -> None:
    paths = Sample(part=PART, subject="path", contestant="a", round=0, values={RATE: 5.0})
    of_urls, of_paths = tables([sample("a", 1.0), paths, sample("b", 2.0)])
    assert [row.contestant for row in of_urls.rows] == ["a", "b"]
    assert (of_paths.subject, of_paths.baseline, of_paths.rows[0].ratio) == ("path", None, None)


def test_a_figure_that_some_lack_leaves_their_cells_empty() -> None:
    more = Sample(part=PART, subject="url", contestant="b", round=0, values={"peak MiB": 7.0})
    (table,) = tables([sample("a", 1.0), more])
    headings, rows = cells(table)
    assert headings[-1] == "peak MiB"
    assert [row[-1] for row in rows] == ["", "7"]


def test_the_spread_is_told_where_there_are_several_rounds() -> None:
    (table,) = tables([sample("a", rate, number) for number, rate in enumerate((1e5, 2e5, 3e5))])
    assert "| a | 200,000 (100,000 to 300,000) | 30 | 10 |" in markdown([table])
    assert (shown(99.96), shown(1234.5), shown(0.01234)) == ("100", "1,234", "0.0123")


def test_a_million_events_cost_what_their_cpu_time_costs() -> None:
    (cost,) = costs([sample("ours", 1.0)], price=0.09)
    # 40 µs of CPU time an event are 40 s a million.
    assert cost.values["at 0.09 a core and hour"] == 40 / 3600 * 0.09


@pytest.mark.parametrize(
    ("alone", "on_two", "on_four"),
    [
        # 40 µs of CPU time an event, node and worker together: 0.8 cores for a replica alone.
        (20_000, 2 * 20_000, 4 * 20_000),
        # 1.2 cores: the second has not quite what it could use.
        (30_000, 2 / 40e-6, 4 / 40e-6),
    ],
)
def test_machines_are_modelled_to_do_what_their_cores_allow(
    alone: float, on_two: float, on_four: float
) -> None:
    rates = {
        one.contestant.split(",")[0]: one.values[RATE] for one in modelled([sample("a", alone)])
    }
    assert rates["2 cores"] == pytest.approx(on_two)
    assert rates["4 cores"] == pytest.approx(on_four)


def test_everything_that_was_measured_is_kept() -> None:
    samples = [sample("a", 1.0, 0), sample("a", 3.0, 1)]
    kept = as_json(samples, {"cores": 2})
    assert [one["values"][RATE] for one in kept["samples"]] == [1.0, 3.0]
    assert kept["tables"][0]["rows"][0]["medians"][RATE] == 2.0
    assert kept["about"] == {"cores": 2}

"""What `kakari evaluate` says: what got worse first, then how much, then each candidate's figures."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from evaluation.clustered_mean import Estimate
    from evaluation.evaluating import Evaluated
    from evaluation.figures import CandidateFigures, Comparison, Figures
    from evaluation.label_figures import LabelFigures
    from evaluation.pairwise import WinRate
    from pharmacy.storage.evaluations import Evaluation

MOST_SHOWN = 20


def cut_offs(given: Sequence[str]) -> dict[str, float]:
    """Return measure to the least that its interval's lower end may be."""
    found = {}
    for one in given:
        measure, _, share = one.rpartition("=")
        try:
            found[measure] = float(share)
        except ValueError:
            found[measure] = -1.0
        if not measure or not 0 <= found[measure] <= 1:
            raise typer.BadParameter(
                f"{one!r}: expected MEASURE=SHARE, such as exact_agreement=0.85", param_hint="--at-least"
            )
    return found


def missed(figures: "Figures", bounds: Mapping[str, float]) -> list[str]:
    """Return each cut-off that is missed, in words."""
    short = []
    for measure, least in bounds.items():
        for one in figures.candidates:
            if measure not in one.scores:
                raise typer.BadParameter(f"{measure!r}: expected one of {[*one.scores]}", param_hint="--at-least")
            low = one.scores[measure].low
            if low < least:
                short.append(f"{one.candidate}: {measure} may be as low as {low:.1%}; expected {least:.1%} at least")
    return short


def told(evaluated: "Evaluated", rates: "Mapping[str, WinRate]") -> str:
    """Return all of it for a terminal."""
    of = evaluated.figures
    lines = [f"{evaluated.evaluation.id}  {evaluated.evaluation.version}, {of.cases} cases, "
             f"the right answer of {of.pharmacist_labels} said by a person"]  # fmt: skip
    first = of.candidates[0].candidate
    for one in of.comparisons:
        lines += ["", f"{one.candidate} held against {first}", *_worse(one), *_differences(one)]
        lines += [_preferred(rates[one.candidate])] if one.candidate in rates else []
    for candidate in of.candidates:
        lines += ["", *_candidate(candidate)]
    return "\n".join(lines)


def evaluated_json(evaluated: "Evaluated", short: Sequence[str], rates: "Mapping[str, WinRate]") -> dict[str, Any]:
    """Return what `--json` prints."""
    from evaluation.figures_json import estimate_json, figures_json

    of = evaluated.evaluation
    preferred = {
        name: {"rate": estimate_json(one.rate), "wins": one.wins, "ties": one.ties, "losses": one.losses,
               "held_to_a_place": one.held_to_a_place.value}
        for name, one in rates.items()
    }  # fmt: skip
    said = {"id": str(of.id), "dataset": of.version, "missed": [*short], "preferred": preferred}
    return said | figures_json(evaluated.figures)


def evaluation_line(of: "Evaluation") -> str:
    """Return an evaluation in one line."""
    figures = of.figures or {}
    means = [f"{one['candidate']} {_share(one['scores'].get(figures['metric'], {}).get('value'))}"
             for one in figures.get("candidates", [])]  # fmt: skip
    return f"{of.id}  {of.at:%Y-%m-%d %H:%M}  {of.version}  {figures.get('cases', 0)} cases  {', '.join(means)}"


def listed_json(of: "Evaluation") -> dict[str, Any]:
    """Return what `--list --json` prints of one."""
    return {"id": str(of.id), "node": of.node, "dataset": of.version, "at": of.at.isoformat(), "by": of.begun_by,
            "asked": dict(of.asked), "figures": of.figures}  # fmt: skip


def _worse(of: "Comparison") -> list[str]:
    lines = [f"  worse on {len(of.regressions)} cases, better on {of.improvements}"]
    for one in of.regressions[:MOST_SHOWN]:
        mark = " critical" if one.critical else ""
        right = f", right {one.right}" if one.right else ""
        lines.append(f"    {one.row} {one.category}, {one.phase}{mark}: {one.first} → {one.other}{right}")
    rest = len(of.regressions) - MOST_SHOWN
    return lines + ([f"    … and {rest} more"] if rest > 0 else [])


def _differences(of: "Comparison") -> list[str]:
    return [f"  {measure:<32} {one.mean:+.1%}  ({one.low:+.1%} to {one.high:+.1%}; {one.rows} cases, "
            f"{one.conversations} conversations)" for measure, one in of.differences.items()]  # fmt: skip


def _preferred(of: "WinRate") -> str:
    counts = f"{of.wins} wins, {of.ties} ties, {of.losses} losses"
    held = f"the judge held to a place in {of.held_to_a_place.value:.1%}"
    return f"  {'preferred':<32} {_estimate(of.rate)}: {counts}; {held}"


def _candidate(of: "CandidateFigures") -> list[str]:
    cost = "unknown" if of.cost_usd is None else f"{of.cost_usd:.6f} USD"
    lines = [of.candidate, f"  cost of one case {cost}; tokens {of.prompt_tokens:.0f} in, {of.cached_tokens:.0f} of "
             f"them cached, {of.completion_tokens:.0f} out; {of.seconds_p50:.2f} s, {of.seconds_p95:.2f} s in 95%; "
             f"{of.unreadable} unreadable"]  # fmt: skip
    lines += [f"  {measure:<32} {_estimate(one)}" for measure, one in of.scores.items()]
    if of.kappa:
        lines.append(
            f"  {'kappa with pharmacists':<32} {of.kappa.value:.2f}  ({of.kappa.low:.2f} to {of.kappa.high:.2f})"
        )
    if of.corrected:
        rate = of.corrected
        lines.append(f"  {'pass_rate, judge corrected':<32} {_share(rate.value)}  ({rate.low:.1%} to {rate.high:.1%})")
    return lines + (_labels(of.labels) if of.labels else [])


def _labels(of: "LabelFigures") -> list[str]:
    names = [*of.confusion.labels]
    lines = [f"  {'macro-F1':<32} {_estimate(of.macro_f1)}", "  right \\ given"]
    width = max(map(len, names)) + 2
    for right, row in zip(names, of.confusion.matrix.astype(int).tolist(), strict=True):
        counts = "".join(f"{count:>{len(name) + 2}}" for name, count in zip(names, row, strict=True))
        lines.append(f"    {right:<{width}}{counts}")
    return [*lines[:2], f"    {'':<{width}}" + "".join(f"  {name}" for name in names), *lines[2:]]


def _estimate(of: "Estimate") -> str:
    return f"{_share(of.value)}  ({of.low:.1%} to {of.high:.1%}; {of.rows} cases)"


def _share(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.1%}"

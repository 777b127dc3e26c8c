"""`python -m evaluation.students`: print how good the shipped local students are on the held-out families."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import track
from rich.table import Table

from evaluation.student_examples import families, read_examples
from evaluation.student_figures import Answered, StudentFigures, student_figures
from pharmacy.domain.share import Share
from pharmacy.models.local.student import Student

NODES = ("classify", "switch_phase")


def main() -> None:
    """Print one report per student."""
    console = Console()
    for node in track(NODES, description="students", console=Console(stderr=True)):
        student, examples = Student.load(node), read_examples(node, "held_out")
        figures = student_figures(student.weights, examples)
        console.rule(f"{node} · {student.fingerprint}")
        console.print(
            f"{len(examples)} held-out messages of {len(families(examples))} families; "
            f"taught by {student.card.examples} of {student.card.families} others; threshold {student.card.threshold}"
        )
        console.print(_summary(figures, moves=bool(student.card.moves)), _confusion(figures, student.card.labels))
        for failure in figures.failures():
            console.print(_line(failure), markup=False, highlight=False, soft_wrap=True)


def _summary(figures: StudentFigures, *, moves: bool) -> Table:
    table = Table("figure", "share", "95% interval", "of", box=None)
    acted, withheld = ("right when it moves", "stays for want of confidence") if moves else (
        "right when a machine answers", "handed over for want of confidence",
    )  # fmt: skip
    needless = "moves that it missed" if moves else "machine's matters that it handed over"
    for name, share in {
        "surest label right": figures.accuracy,
        "given answer right": figures.accuracy_given,
        acted: figures.accuracy_acted,
        withheld: figures.withheld,
        needless: figures.needless,
    }.items():
        table.add_row(name, *_cells(share))
    low, high = figures.accuracy_by_family
    table.add_row("surest label right, over families", "", f"{low:.1%} to {high:.1%}", "")
    table.add_row("calibration error (ECE)", f"{figures.calibration_error:.3f}", "", str(len(figures.answers)))
    return table


def _cells(share: Share) -> tuple[str, str, str]:
    low, high = share.interval
    return f"{share.value:.1%}", f"{low:.1%} to {high:.1%}", str(share.of)


def _confusion(figures: StudentFigures, labels: Sequence[str]) -> Table:
    table = Table("right \\ surest", *labels, box=None)
    for right in labels:
        table.add_row(right, *(str(figures.confusion.get((right, surest), 0)) for surest in labels))
    return table


def _line(failure: Answered) -> str:
    example, opinion = failure.example, failure.opinion
    where = f"[{example.phase}] 「{example.last_reply}」→ " if example.phase else ""
    said = f"{where}「{example.text}」".replace("\n", " ")
    return f"- {said} is {example.answer}, got {failure.given} ({opinion.label} {opinion.confidence:.2f})"


if __name__ == "__main__":
    main()

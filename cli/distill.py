"""`kakari distill`: train a student for a node, watch its job, come back to it, stop it."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from typer.core import TyperGroup

from cli.opened import in_database

if TYPE_CHECKING:
    from distillation.trainers.from_dataset import DatasetFiles
    from distillation.trainers.port import Checkpoint, Estimate, Job, Order, Trainer
    from distillation.trainers.recorded import Books
    from distillation.trainers.training_file import TrainingFile
    from pharmacy.settings import Settings
    from pharmacy.storage.database import Database
    from pharmacy.storage.training_jobs import TrainingRecord

Result = TypeVar("Result")
_ACTOR = "command line"
_TRAIN = "NODE"
_INTERRUPTED = 130


class _NodeFirst(TyperGroup):
    """A group whose first word may be a node: then it is trained."""

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [_TRAIN, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_NodeFirst, no_args_is_help=True, help="Train a student for a node: kakari distill classify --train FILE."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(help="A job of `kakari distill jobs`.", metavar="JOB")]
Who = Annotated[str, typer.Option(help="Who trains: openai, or local for a student that runs in the process.")]
Base = Annotated[
    str, typer.Option(help="The model to begin from, as provider:name; local:nothing learns the rows alone.")
]
Form = Annotated[str, typer.Option("--format", help="Of a version's rows: supervised or preference.")]
Keep = Annotated[bool, typer.Option("--keep-files", help="Leave the rows with the trainer once the job has ended.")]


@app.command(_TRAIN)
def train(
    node: Annotated[str, typer.Argument(help="A node that asks a model, such as classify.")],
    rows: Annotated[Path | None, typer.Option("--train", help="Chat JSONL: the rows to learn from.")] = None,
    validation: Annotated[Path | None, typer.Option(help="Chat JSONL: rows to tell progress by.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A version of `kakari dataset build`, in place of files.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="Of a version's rows: supervised or preference.")
    ] = "supervised",
    trainer: Who = "openai",
    model: Base = "",
    epochs: Annotated[
        int | None, typer.Option(min=1, max=50, help="Passes; the trainer's own choice if unsaid.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed trains the same rows anew.")] = 1,
    keep_files: Keep = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a student for NODE and watch the job until it ends. Ctrl-C stops the watching, not the job.

    The cost is told first. The same node, rows, model and seed are never trained twice: the job is found again.
    """
    from distillation.trainers.choose import default_base, trainer_of
    from pharmacy.settings import read_settings

    settings, base = read_settings(), model or default_base(trainer, node)
    made = trainer_of(trainer, base, settings)
    train_file, held = _rows(node, rows, validation, dataset, form)
    order = _order(node, base, train_file, held, seed, epochs, dataset, settings)
    estimate = _said_no(lambda: made.estimate(order))
    if not as_json:
        from cli.distill_view import estimate_told

        print(estimate_told(order, estimate), file=sys.stderr)
    _ask(yes=yes, as_json=as_json)

    async def begun(books: "Books", told: Callable[[str], None]) -> "TrainingRecord":
        from distillation.trainers.recorded import begin

        return await begin(books, made, order, told)

    _watch(begun, made, as_json=as_json, keep_files=keep_files, estimate=estimate)


@app.command()
def jobs(as_json: AsJson = False) -> None:
    """List what was trained here, the job heard of last first."""

    async def work(database: "Database", settings: "Settings") -> "list[TrainingRecord]":
        return await _books(database, settings).all()

    found = in_database(work)
    if as_json:
        from cli.distill_view import job_json

        print(json.dumps([job_json(record, None, []) for record in found]))
        return
    if not found:
        print("Nothing was trained yet: kakari distill NODE --train FILE")
    for record in found:
        at = f"{record.at:%Y-%m-%d %H:%M}" if record.at else ""
        print(f"{record.job_id or '(no id yet)'}  {record.node}  {record.state}  {at}  {record.model or record.base}")


@app.command()
def follow(job: JobId, keep_files: Keep = False, as_json: AsJson = False) -> None:
    """Watch a job again, from its beginning, until it ends. Ctrl-C stops the watching, not the job."""
    known = _known(job)

    async def begun(_: "Books", __: Callable[[str], None]) -> "TrainingRecord":
        return known

    _watch(begun, _trainer_of(known), as_json=as_json, keep_files=keep_files)


@app.command()
def cancel(job: JobId, as_json: AsJson = False) -> None:
    """Stop a job; one that has ended stays as it is. Exit status 1: it had succeeded or failed already."""
    known = _known(job)
    trainer = _trainer_of(known)

    async def work(database: "Database", settings: "Settings") -> "Job":
        from distillation.trainers.recorded import with_job

        try:
            stopped = await trainer.cancel(job)
            await _books(database, settings).note(with_job(known, stopped))
            await trainer.release(job)
        finally:
            await trainer.aclose()
        return stopped

    stopped = _said_no(lambda: in_database(work))
    if as_json:
        from cli.distill_view import job_json

        print(json.dumps(job_json(known, stopped, [])))
    else:
        print(f"{job} has {stopped.state}.")
    raise typer.Exit(0 if stopped.state == "cancelled" else 1)


def _watch(
    begun: "Callable[[Books, Callable[[str], None]], Awaitable[TrainingRecord]]",
    trainer: "Trainer",
    *,
    as_json: bool,
    keep_files: bool,
    estimate: "Estimate | None" = None,
) -> None:
    """Watch a job to its end, and say how it ended; exit status 1 where there is no student."""
    from cli.distill_view import JobView, ended_told, job_json

    seen: list[TrainingRecord] = []

    async def work(database: "Database", settings: "Settings") -> "tuple[Job, list[Checkpoint]]":
        from distillation.trainers.recorded import watch

        books = _books(database, settings)
        try:
            with JobView(quiet=as_json) as view:
                seen.append(await begun(books, view.told))
                view.told(f"job {seen[0].job_id}")
                job = await watch(books, trainer, seen[0], view.heard)
            checkpoints = await _afterwards(trainer, job, view.told, keep_files=keep_files)
        finally:
            await trainer.aclose()
        return job, checkpoints

    try:
        job, checkpoints = _said_no(lambda: in_database(work))
    except KeyboardInterrupt:
        print(_interrupted(seen[0].job_id if seen else None), file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        told = job_json(seen[0], job, checkpoints)
        print(json.dumps(told | ({"estimate": estimate.__dict__} if estimate else {})))
    else:
        print(ended_told(seen[0], job, checkpoints))
    raise typer.Exit(0 if job.model else 1)


async def _afterwards(
    trainer: "Trainer", job: "Job", told: Callable[[str], None], *, keep_files: bool
) -> "list[Checkpoint]":
    """Return the checkpoints of a job that has ended, and take back its files; neither can undo how it ended."""
    from distillation.trainers.port import TrainerRefused, TrainerSilent

    checkpoints: list[Checkpoint] = []
    try:
        checkpoints += await trainer.checkpoints(job.id) if job.model else []
        if not keep_files:
            await trainer.release(job.id)
    except (TrainerRefused, TrainerSilent) as error:
        told(f"{error}; files that were handed over end by themselves after 14 days")
    return checkpoints


def _interrupted(job_id: str | None) -> str:
    if job_id is None:
        return "\nkakari: stopped while the job was being created; the same command again finds it if it was."
    again, stop = f"kakari distill follow {job_id}", f"kakari distill cancel {job_id}"
    return f"\nkakari: the job goes on. Watch it again: {again}; stop it: {stop}"


def _said_no(work: Callable[[], Result]) -> Result:
    """Return what `work` returns; a trainer that says no ends the command with status 1."""
    from distillation.trainers.port import TrainerRefused, TrainerSilent

    try:
        return work()
    except (TrainerRefused, TrainerSilent) as error:
        print(f"kakari: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _rows(
    node: str, rows: Path | None, validation: Path | None, dataset: str | None, form: str
) -> "tuple[TrainingFile, TrainingFile | None]":
    """Return what is to be learnt: of files, or of a dataset's version."""
    if (rows is None) == (dataset is None) or (dataset and validation):
        raise typer.BadParameter("expected --train FILE, or --dataset VERSION", param_hint="--train")
    if form not in ("supervised", "preference"):
        raise typer.BadParameter(f"{form!r}: expected supervised or preference", param_hint="--format")
    if rows is not None:
        from distillation.trainers.training_file import read_training_file

        return read_training_file(rows), read_training_file(validation) if validation else None

    async def work(database: "Database", settings: "Settings") -> "DatasetFiles":
        from distillation.trainers.from_dataset import read_dataset

        return await read_dataset(database, settings, str(dataset), node, form)  # type: ignore[arg-type]  # checked

    found = in_database(work)
    return found.train, found.validation


def _order(
    node: str, base: str, train: "TrainingFile", held: "TrainingFile | None", seed: int, epochs: int | None,
    dataset: str | None, settings: "Settings",
) -> "Order":  # fmt: skip
    from distillation.trainers.port import Order
    from distillation.trainers.under_prompt import NodePrompt

    prompt = NodePrompt.of(node, settings)
    for file in filter(None, [train, held]):
        prompt.check(file)
    return Order(node, base, prompt.fingerprint, train, held, dataset, seed, epochs)


def _ask(*, yes: bool, as_json: bool) -> None:
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise typer.BadParameter("expected --yes where nobody can be asked", param_hint="--yes")
    typer.confirm("Train?", abort=True)


def _known(job_id: str) -> "TrainingRecord":
    async def work(database: "Database", settings: "Settings") -> "TrainingRecord | None":
        return await _books(database, settings).of_job(job_id)

    known = in_database(work)
    if known is None:
        print(f"kakari: no job {job_id!r} is on record; see `kakari distill jobs`", file=sys.stderr)
        raise typer.Exit(1)
    return known


def _trainer_of(record: "TrainingRecord") -> "Trainer":
    from distillation.trainers.choose import trainer_of
    from pharmacy.settings import read_settings

    return trainer_of(record.trainer, record.base, read_settings())


def _books(database: "Database", settings: "Settings") -> "Books":
    from distillation.trainers.recorded import Books

    return Books(database, settings.pharmacy_id, _ACTOR)

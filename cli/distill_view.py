"""What a person sees of a training job: a bar and its story while it goes on, and what to do when it has ended."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from distillation.trainers.port import Checkpoint, Estimate, Event, Job, Order
    from pharmacy.storage.training_jobs import TrainingRecord


class JobView:
    """A live view on standard error; nobody who looks away stops anything."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True, quiet=quiet)
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet)
        self._task = self._bar.add_task("waiting", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def told(self, said: str) -> None:
        """Show what is being done."""
        self._bar.console.print(said)

    def heard(self, event: "Event") -> None:
        """Show what the trainer told, and how far it is."""
        self.told(f"{event.at.astimezone():%H:%M:%S}  {event.said}")
        if event.step is not None:
            description = "training" if event.loss is None else f"training, loss {event.loss:.3f}"
            self._bar.update(self._task, description=description, completed=event.step, total=event.steps)


def estimate_told(order: "Order", estimate: "Estimate") -> str:
    """Return in words what an order will come to."""
    cost = "an unknown cost" if estimate.cost_usd is None else f"about {estimate.cost_usd:.2f} USD"
    lines = [
        f"{order.node}: {estimate.rows} rows, {estimate.epochs} passes, about {estimate.trained_tokens:,} tokens, "
        f"{cost}, from {order.base}, under prompt {order.prompt_fingerprint}",
        *(f"  {warning}" for warning in estimate.warnings),
    ]
    return "\n".join(lines)


def ended_told(record: "TrainingRecord", job: "Job", checkpoints: "list[Checkpoint]") -> str:
    """Return in words how a job ended, and how to go on."""
    if job.model is None:
        return f"{job.id} has {job.state}" + (f": {job.problem}" if job.problem else ".")
    cost = "cost unknown" if job.cost_usd is None else f"{job.cost_usd:.2f} USD"
    tokens = "tokens unknown" if job.trained_tokens is None else f"{job.trained_tokens:,} tokens trained"
    shown = [f"  step {each.step}: {each.model}" for each in checkpoints]
    return "\n".join([
        f"{job.id} has succeeded: {tokens}, {cost}.",
        *(["Checkpoints:", *shown] if shown else []),
        f"\nThe student goes into nodes/models.toml, below the keys of [{record.node}]:\n",
        f"[{record.node}.student]",
        f'model = "{job.model}"',
        f'prompt_fingerprint = "{record.prompt_fingerprint}"',
        *([f"\nWhere Kakari runs without a provider: local = \"{job.model}\" in [{record.node}]."]
          if job.model.startswith("local:") else []),
        "\nIt serves nobody by that: `serving` there says who does. Measure it first on rows that it has not seen.",
    ])  # fmt: skip


def job_json(record: "TrainingRecord", job: "Job | None", checkpoints: "list[Checkpoint]") -> dict[str, Any]:
    """Return a job as JSON: as its trainer shows it, or as it is on record."""
    known = {name: record.body.get(name) for name in ("rows", "epochs", "seed", "trained_tokens", "cost_usd")}
    now = {name: value for name in known if job and (value := getattr(job, name, None)) is not None}
    return {
        "job": record.job_id,
        "key": record.key,
        "node": record.node,
        "trainer": record.trainer,
        "base": record.base,
        "state": job.state if job else record.state,
        "model": job.model if job else record.model,
        "prompt_fingerprint": record.prompt_fingerprint,
        "rows_hash": record.rows_hash,
        "dataset": record.body.get("dataset"),
        **known,
        **now,
        "checkpoints": [{"model": each.model, "step": each.step, "loss": each.loss} for each in checkpoints],
        "problem": job.problem if job else None,
    }

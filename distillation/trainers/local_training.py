"""Train a student that runs in the process: labels, learnt replies, or a judge's verdicts, with honest confidence."""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from distillation.trainers.fitted import Fit, Fitted
from distillation.trainers.port import Checkpoint, Estimate, Event, Job, Order, State, Told, TrainerRefused
from pharmacy.models.local.load import weights_of
from pharmacy.settings import Settings

LABELS = ("classify", "switch_phase")
JUDGE = "judge"
_GENERATOR = "generate_"
_NOTHING = "local:nothing"
NEEDS = "a local student is trained with scikit-learn and scipy, which are not there; `make setup-dev` installs them"


class LocalTraining:
    """A `Trainer` in this process. A student begins from nothing, or from the shipped one of its node."""

    name = "local"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.students_folder

    def estimate(self, order: Order) -> Estimate:
        """Return what the order will come to: nothing but time.

        Raises:
            TrainerRefused: no local student is trained for this node, from this base or these rows.
        """
        bases = _bases(order.node)
        if order.base not in bases:
            raise TrainerRefused(
                f"{order.base!r}: expected " + " or ".join(f"{base!r}, to {how}" for base, how in bases.items())
            )
        if order.train.method != "supervised":
            raise TrainerRefused(f"{order.train.path}: holds pairs; a local student learns from answers")
        return Estimate(len(order.train.rows), 1, 0, 0.0)

    async def start(self, order: Order, told: Told) -> Job:
        """Return the order's job, which is done at the return."""
        self.estimate(order)
        if (before := self._trained_before(order)) is not None:
            told(f"{before} was trained on the same order before")
            return await self.look(before)
        name = await asyncio.to_thread(self._train, order, told)
        return await self.look(name)

    async def look(self, job_id: str) -> Job:
        """Return the student's job.

        Raises:
            TrainerRefused: no such student was trained here.
        """
        path = weights_of(self._folder, job_id).with_suffix(".json")
        if not path.is_file():
            raise TrainerRefused(f"no student {job_id!r} stands in {self._folder}; see `kakari distill jobs`")
        made = json.loads(path.read_text(encoding="utf-8"))
        return Job(
            job_id, State.SUCCEEDED, made["base"], f"local:{job_id}", trained_tokens=0, cost_usd=0.0, epochs=1,
            seed=made["seed"],
        )  # fmt: skip

    async def events(self, job_id: str, seen: frozenset[str]) -> Sequence[Event]:
        """Return what is known of the student once it is trained."""
        if job_id in seen:
            return []
        made = json.loads(weights_of(self._folder, job_id).with_suffix(".json").read_text(encoding="utf-8"))
        return [Event(job_id, datetime.fromisoformat(made["at"]), made["said"])]

    async def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """Return none: a local student is trained in one go."""
        await self.look(job_id)
        return []

    async def cancel(self, job_id: str) -> Job:
        """Return the job, which has ended."""
        return await self.look(job_id)

    async def release(self, job_id: str) -> int:
        """Return 0: nothing was handed over to anybody."""
        await self.look(job_id)
        return 0

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    def _trained_before(self, order: Order) -> str | None:
        for path in sorted((self._folder / order.node).glob("*.json")):
            if json.loads(path.read_text(encoding="utf-8"))["key"] == order.key:
                return path.stem
        return None

    def _train(self, order: Order, told: Told) -> str:
        try:
            fit = _fit_of(order.node)
        except ImportError as error:
            raise TrainerRefused(NEEDS) from error
        return self._keep(order, fit(order, self._settings, told))

    def _keep(self, order: Order, fitted: Fitted) -> str:
        """Put the weights where they are served from, whole or not at all, and return the student's name."""
        folder = self._folder / order.node
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = folder / f"half-{os.getpid()}.npz"
        fitted.weights.save(half)
        name = f"{order.node}-{hashlib.sha256(half.read_bytes()).hexdigest()[:12]}"
        made = {
            "key": order.key, "base": order.base, "seed": order.seed, "rows_hash": order.train.sha256,
            "said": fitted.said, "prompt_fingerprint": order.prompt_fingerprint,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        path = weights_of(self._folder, name)
        half.replace(path)
        _write(path.with_suffix(".json"), json.dumps(made, ensure_ascii=False))
        return name


def _bases(node: str) -> Mapping[str, str]:
    """Return what a student of `node` may begin from, and what it then learns.

    Raises:
        TrainerRefused: no local student is trained for it.
    """
    if node in LABELS:
        return {f"local:{node}": "learn the rows beside the shipped examples", _NOTHING: "learn the rows alone"}
    if node == JUDGE:
        return {"local:judge": "learn the rows beside the shipped rubric, which is always kept"}
    if node.startswith(_GENERATOR):
        return {
            f"local:{node}": "answer as the shipped replies do where no learnt one fits",
            _NOTHING: "learn the rows alone",
        }
    raise TrainerRefused(
        f"{node}: no local student is trained for it; expected one of {[*LABELS, JUDGE]}, or a generator"
    )


def _fit_of(node: str) -> Fit:
    # Each takes a second or more to import, which no other need spend.
    if node in LABELS:
        from distillation.trainers.local_labels import fit_labels

        return fit_labels
    if node == JUDGE:
        from distillation.trainers.local_verdicts import fit_verdicts

        return fit_verdicts
    from distillation.trainers.local_replies import fit_replies

    return fit_replies


def _write(path: Path, words: str) -> None:
    half = path.with_suffix(".half")
    half.write_text(words, encoding="utf-8")
    half.replace(path)

"""Train a student that runs in the process: a linear model over character n-grams, with honest confidence."""

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from distillation.trainers.port import Checkpoint, Estimate, Event, Job, Order, State, Told, TrainerRefused
from distillation.trainers.under_prompt import NodePrompt
from pharmacy.models.local.load import weights_of
from pharmacy.settings import Settings

NODES = ("classify", "switch_phase")
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
        if order.node not in NODES:
            raise TrainerRefused(f"{order.node}: no local student is trained for it; expected one of {[*NODES]}")
        shipped = f"local:{order.node}"
        if order.base not in (shipped, "local:nothing"):
            raise TrainerRefused(
                f"{order.base!r}: expected {shipped!r}, to learn the rows beside the shipped examples, or "
                "'local:nothing', to learn the rows alone"
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
            from distillation.linear_student import FOLDS, fit
            from distillation.student_calibration import calibrated_card
            from distillation.train_local import RECIPES
            from distillation.trainers.local_rows import common, examples_of, rare
        except ImportError as error:
            raise TrainerRefused(NEEDS) from error
        from evaluation.student_examples import read_examples

        learnt = examples_of(NodePrompt.of(order.node, self._settings), order.train)
        shipped = read_examples(order.node, "train") if order.base == f"local:{order.node}" else []
        for said in rare([*shipped, *learnt]):
            told(said)
        examples = common([*shipped, *learnt])
        if len({example.answer for example in examples}) < 2:
            raise TrainerRefused(f"{order.train.path}: fewer than two answers stand there {FOLDS} times or more")
        recipe = next(recipe for recipe in RECIPES if recipe.node == order.node)
        told(f"learning {len(examples)} examples, {len(shipped)} of them shipped")
        card = calibrated_card(recipe, examples, lambda: told("one part of five was left out in turn"))
        of = {"examples_fingerprint": order.train.sha256[:12]}
        weights = fit(recipe, examples, card.model_copy(update=of))
        right = card.cross_validated["accuracy"]
        said = f"{len(examples)} examples; {right:.1%} right on parts left out, answers from {card.threshold:.2f} on"
        return self._keep(order, weights, said)

    def _keep(self, order: Order, weights, said: str) -> str:  # type: ignore[no-untyped-def]
        """Put the weights where they are served from, whole or not at all, and return the student's name."""
        from pharmacy.models.local.linear_weights import LinearWeights

        folder = self._folder / order.node
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = folder / f"half-{os.getpid()}.npz"
        weights.save(half)
        name = f"{order.node}-{LinearWeights.load(half).fingerprint}"
        made = {
            "key": order.key, "base": order.base, "seed": order.seed, "rows_hash": order.train.sha256, "said": said,
            "prompt_fingerprint": order.prompt_fingerprint, "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        path = weights_of(self._folder, name)
        half.replace(path)
        _write(path.with_suffix(".json"), json.dumps(made, ensure_ascii=False))
        return name


def _write(path: Path, words: str) -> None:
    half = path.with_suffix(".half")
    half.write_text(words, encoding="utf-8")
    half.replace(path)
